import type { z } from "zod";

/**
 * What hosts are known to add to the arguments of a call, for themselves: Cline its list of steps, Gemini CLI an order
 * of calls, n8n the model's id of the call. Any other argument that a tool does not know is refused.
 */
const addedByHosts: ReadonlySet<string> = new Set(["task_progress", "wait_for_previous", "toolCallId"]);

/** Optional arguments whose empty text can only say that there is none. */
const emptyIsAbsent: ReadonlySet<string> = new Set(["cursor", "delimiter", "mime_type"]);

/** As JSON writes it. One past 2^53 is refused by the schema. */
const wholeNumber = /^(?:0|-?[1-9]\d{0,15})$/;

/**
 * A tool's arguments, or a request's parameters, as hosts mean them; to be read by the schema next. Null means absent.
 * Where the schema wants a whole number, a boolean or an object, its text is taken for it; metadata may have numbers
 * and booleans. A text stays as it is, whatever it looks like. What cannot be meant otherwise is left for the schema to
 * refuse.
 */
export function asHostsMean(schema: z.ZodObject, given: unknown): unknown {
  return objectMeant(schema, objectOf(given));
}

/** The same of a tool's arguments, without what hosts add. */
export function argumentsAsHostsMean(input: z.ZodObject, given: unknown): unknown {
  const args = objectOf(given);
  if (!isObject(args)) return args;
  const own = Object.entries(args).filter(([name]) => Object.hasOwn(input.shape, name) || !addedByHosts.has(name));
  return objectMeant(input, Object.fromEntries(own));
}

/** The object that a host has written as JSON; all else as it is, null as undefined. */
export function objectOf(value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value !== "string" || !value.trimStart().startsWith("{")) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value; // the schema says what is wrong with the text
  }
}

function objectMeant({ shape }: z.ZodObject, value: unknown): unknown {
  if (!isObject(value)) return value;
  const schemaOf = (name: string) => (Object.hasOwn(shape, name) ? shape[name] : undefined);
  return present(Object.entries(value).map(([name, part]) => [name, memberMeant(name, schemaOf(name), part)]));
}

/** @param schema undefined for a member that the schema does not know, and will refuse or pass on */
function memberMeant(name: string, schema: z.core.$ZodType | undefined, value: unknown): unknown {
  if (value === null) return undefined;
  if (schema === undefined) return value;
  const isOptional = schema !== innermost(schema);
  if (value === "" && isOptional && emptyIsAbsent.has(name)) return undefined;
  return valueMeant(innermost(schema), value);
}

function valueMeant(schema: z.core.$ZodType, value: unknown): unknown {
  switch (schema._zod.def.type) {
    case "number":
      return typeof value === "string" && wholeNumber.test(value) ? Number(value) : value;
    case "boolean":
      return value === "true" || value === "false" ? value === "true" : value;
    case "record":
      return recordMeant(objectOf(value));
    case "object":
      return objectMeant(schema as z.ZodObject, objectOf(value));
    default:
      return value;
  }
}

/** The records of this server hold texts. */
function recordMeant(value: unknown): unknown {
  return isObject(value) ? present(Object.entries(value).map(([name, part]) => [name, textMeant(part)])) : value;
}

/** A number past 2^53 has lost digits already: it is left to be refused. */
function textMeant(value: unknown): unknown {
  const isWhole = typeof value === "number" && (Number.isSafeInteger(value) || !Number.isInteger(value));
  return isWhole || typeof value === "boolean" ? String(value) : (value ?? undefined);
}

/** The members that are there. `__proto__` too is a name like any other. */
function present(members: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** What is optional, or has a default, without that. */
function innermost(schema: z.core.$ZodType): z.core.$ZodType {
  const { innerType } = schema._zod.def as { innerType?: z.core.$ZodType };
  return innerType === undefined ? schema : innermost(innerType);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
