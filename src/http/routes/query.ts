import { z } from "zod";
import { readArguments } from "../../api/arguments.js";
import type { Exchange } from "../message/exchange.js";

/** A schema's parameters that are numbers. It takes longer to find out than to answer a request, so it is done once. */
const numbersOf = new WeakMap<z.ZodObject, ReadonlySet<string>>();

function numbersIn(input: z.ZodObject): ReadonlySet<string> {
  const known = numbersOf.get(input);
  if (known !== undefined) return known;
  const { properties = {} } = z.toJSONSchema(input, { io: "input" });
  const found = Object.entries(properties).filter(([, of]) => typeof of === "object" && of.type === "integer");
  const numbers = new Set(found.map(([name]) => name));
  numbersOf.set(input, numbers);
  return numbers;
}

/** The query's parameters by their schema; what is a number there is one here. @throws ArtifactError `invalid_argument` */
export function readQuery<Input extends z.ZodObject>(exchange: Exchange, input: Input): z.output<Input> {
  const numbers = numbersIn(input);
  const entries = [...exchange.target.query].map(([name, text]) => {
    const isNumber = numbers.has(name) && /^\d{1,16}$/.test(text);
    return [name, isNumber ? Number(text) : text];
  });
  return readArguments(input, Object.fromEntries(entries), "this URL");
}

const nothing = z.strictObject({});

/** For a URL that takes no parameters. @throws ArtifactError `invalid_argument` where there is one */
export function refuseQuery(exchange: Exchange): void {
  if (exchange.target.query.size > 0) readQuery(exchange, nothing);
}
