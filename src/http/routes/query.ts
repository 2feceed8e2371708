import { z } from "zod";
import { readArguments } from "../../shapes/arguments.js";
import type { Exchange } from "../exchange.js";

/** The query's parameters by their schema; what is a number there is one here. @throws ArtifactError `invalid_argument` */
export function readQuery<Input extends z.ZodObject>(exchange: Exchange, input: Input): z.output<Input> {
  const { properties = {} } = z.toJSONSchema(input, { io: "input" });
  const entries = [...exchange.target.query].map(([name, text]) => {
    const property = properties[name];
    const isNumber = typeof property === "object" && property.type === "integer" && /^\d{1,16}$/.test(text);
    return [name, isNumber ? Number(text) : text];
  });
  return readArguments(input, Object.fromEntries(entries), "this URL");
}
