import { z } from "zod";
import { readArguments } from "../../api/arguments.js";
import { quote } from "../../store/model/quote.js";
import type { Exchange } from "../message/exchange.js";
import { HttpError } from "../message/http-error.js";

/** The JSON types of each schema's parameters, by their names. To find them takes longer than to answer a request. */
const typesOfSchemas = new WeakMap<z.ZodObject, ReadonlyMap<string, string | undefined>>();

function typesOf(schema: z.ZodObject): ReadonlyMap<string, string | undefined> {
  const known = typesOfSchemas.get(schema);
  if (known !== undefined) return known;
  const { properties = {} } = z.toJSONSchema(schema, { io: "input" });
  const types = new Map(Object.entries(properties).map(([name, of]) => [name, typeOf(of)]));
  typesOfSchemas.set(schema, types);
  return types;
}

function typeOf(property: z.core.JSONSchema._JSONSchema): string | undefined {
  const { type } = typeof property === "object" ? property : {};
  return typeof type === "string" ? type : undefined;
}

/**
 * Returns the parameters of the query, checked by their schema. Integers and booleans are converted. The members of an
 * object are parameters of their own: `metadata[run]=42` (`deepObject` of OpenAPI). So are those of a list, and all have
 * its name: `columns=a&columns=b`. Any other parameter may be given once.
 *
 * @throws ArtifactError `invalid_argument`
 * @throws HttpError `invalid_argument`
 */
export function readQuery<Input extends z.ZodObject>(exchange: Exchange, schema: Input): z.output<Input> {
  const types = typesOf(schema);
  const values = new Map<string, unknown>();
  const objects = new Map<string, [name: string, text: string][]>();
  for (const [name, texts] of exchange.target.query) {
    if (types.get(name) === "array") {
      values.set(name, texts);
      continue;
    }
    const text = onlyOne(name, texts);
    const [, object = "", member = ""] = /^(\w+)\[(.*)\]$/s.exec(name) ?? [];
    if (types.get(object) !== "object") {
      values.set(name, converted(name, text, types.get(name)));
      continue;
    }
    const members = objects.get(object) ?? [];
    members.push([member, text]);
    objects.set(object, members);
  }
  for (const [name, members] of objects) values.set(name, Object.fromEntries(members));
  return readArguments(schema, Object.fromEntries(values), "this URL");
}

function onlyOne(name: string, [text, ...more]: readonly [string, ...string[]]): string {
  if (more.length === 0) return text;
  throw new HttpError("invalid_argument", `The parameter ${quote(name)} is given twice: send it once.`);
}

function converted(name: string, text: string, type: string | undefined): unknown {
  if (type === "integer" && /^(?:\d|-[1-9])\d{0,15}$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  if (type !== "object") return text;
  throw new HttpError("invalid_argument", `Give each pair of ${name} as a parameter of its own: ${name}[NAME]=VALUE.`);
}

const noParameters = z.strictObject({});

/** Refuses a query at a URL that takes no parameters. @throws ArtifactError `invalid_argument` */
export function refuseQuery(exchange: Exchange): void {
  if (exchange.target.query.size > 0) readQuery(exchange, noParameters);
}
