import { z } from "zod";
import { readArguments } from "../../api/arguments.js";
import type { Exchange } from "../message/exchange.js";

/**
 * The parameters of each schema that are integers. To find them takes longer than to answer a request, so it is done
 * once.
 */
const integersOfSchemas = new WeakMap<z.ZodObject, ReadonlySet<string>>();

function integersOf(schema: z.ZodObject): ReadonlySet<string> {
  const known = integersOfSchemas.get(schema);
  if (known !== undefined) return known;
  const { properties = {} } = z.toJSONSchema(schema, { io: "input" });
  const found = Object.entries(properties).filter(([, of]) => typeof of === "object" && of.type === "integer");
  const integers = new Set(found.map(([name]) => name));
  integersOfSchemas.set(schema, integers);
  return integers;
}

/**
 * Returns the parameters of the query, checked by their schema. Integers become numbers.
 *
 * @throws ArtifactError `invalid_argument`
 */
export function readQuery<Input extends z.ZodObject>(exchange: Exchange, schema: Input): z.output<Input> {
  const integers = integersOf(schema);
  const entries = [...exchange.target.query].map(([name, text]) => {
    const isInteger = integers.has(name) && /^\d{1,16}$/.test(text);
    return [name, isInteger ? Number(text) : text];
  });
  return readArguments(schema, Object.fromEntries(entries), "this URL");
}

const noParameters = z.strictObject({});

/** Refuses a query at a URL that takes no parameters. @throws ArtifactError `invalid_argument` */
export function refuseQuery(exchange: Exchange): void {
  if (exchange.target.query.size > 0) readQuery(exchange, noParameters);
}
