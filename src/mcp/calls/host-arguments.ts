import type { z } from "zod";
import { deletedVersion, ifVersion, newIfVersion } from "../../api/schemas.js";

/**
 * What hosts are known to add to the arguments of a call, for themselves: Cline its list of steps, Gemini CLI an order
 * of calls, n8n the model's id of the call. Any other argument that a tool does not know is refused.
 */
const addedByHosts: ReadonlySet<string> = new Set(["task_progress", "wait_for_previous", "toolCallId"]);

/**
 * An empty text in place of an optional argument says that there is none, as forms and templates of hosts write it. Not
 * of these: where they are absent, more is lost than a caller may have meant.
 */
const emptyIsRefused: ReadonlySet<z.core.$ZodType> = new Set([deletedVersion, ifVersion, newIfVersion]);

/** As JSON writes it. One past 2^53 is refused by the schema. */
const wholeNumber = /^(?:0|-?[1-9]\d{0,15})$/;

/**
 * A tool's arguments, or a request's parameters, as hosts mean them; to be read by the schema next. Null means absent,
 * and so does an empty text where the argument is optional. Where the schema wants a whole number, a boolean, an object
 * or one of some words, its text is taken for it, and a word in another spelling (`UTF-8`); metadata may have numbers
 * and booleans. Any other text stays as it is, whatever it looks like. What cannot be meant otherwise is left for the
 * schema to refuse.
 */
export function asHostsMean(schema: z.ZodObject, given: unknown): unknown {
  return argumentsMeant(schema, objectOf(given));
}

/** The same of a tool's arguments, without what hosts add. */
export function argumentsAsHostsMean(input: z.ZodObject, given: unknown): unknown {
  const args = objectOf(given);
  if (!isObject(args)) return args;
  const own = Object.entries(args).filter(([name]) => Object.hasOwn(input.shape, name) || !addedByHosts.has(name));
  return argumentsMeant(input, Object.fromEntries(own));
}

/** The object that a host has written as JSON; all else as it is, null as undefined, written as JSON too. */
export function objectOf(value: unknown): unknown {
  if (value === null || (typeof value === "string" && value.trim() === "null")) return undefined;
  if (typeof value !== "string" || !value.trimStart().startsWith("{")) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value; // the schema says what is wrong with the text
  }
}

/** Only here may an empty text mean absent: further inside it may be a value, like a token of progress. */
function argumentsMeant(schema: z.ZodObject, value: unknown): unknown {
  if (!isObject(value)) return value;
  const isAbsent = (name: string, part: unknown): boolean => part === "" && mayBeAbsent(memberOf(schema, name));
  const given = Object.entries(value).filter(([name, part]) => !isAbsent(name, part));
  return objectMeant(schema, Object.fromEntries(given));
}

function mayBeAbsent(schema: z.core.$ZodType | undefined): boolean {
  return schema !== undefined && schema !== innermost(schema) && !emptyIsRefused.has(schema);
}

function objectMeant(schema: z.ZodObject, value: unknown): unknown {
  if (!isObject(value)) return value;
  return present(Object.entries(value).map(([name, part]) => [name, memberMeant(memberOf(schema, name), part)]));
}

/** Undefined for a member that the schema does not know, and will refuse or pass on. */
function memberOf({ shape }: z.ZodObject, name: string): z.core.$ZodType | undefined {
  return Object.hasOwn(shape, name) ? shape[name] : undefined;
}

function memberMeant(schema: z.core.$ZodType | undefined, value: unknown): unknown {
  if (value === null) return undefined;
  return schema === undefined ? value : valueMeant(innermost(schema), value);
}

function valueMeant(schema: z.core.$ZodType, value: unknown): unknown {
  switch (schema._zod.def.type) {
    case "number":
      return typeof value === "string" && wholeNumber.test(value) ? Number(value) : value;
    case "boolean":
      return value === "true" || value === "false" ? value === "true" : value;
    case "enum":
      return typeof value === "string" ? wordMeant(schema as z.ZodEnum, value) : value;
    case "record":
      return recordMeant(objectOf(value));
    case "object":
      return objectMeant(schema as z.ZodObject, objectOf(value));
    default:
      return value;
  }
}

/** The word that differs in case and hyphens alone. */
function wordMeant({ options }: z.ZodEnum, value: string): string {
  const word = options.map(String).find((option) => spelling(option) === spelling(value));
  return word ?? value;
}

const spelling = (word: string): string => word.toLowerCase().replaceAll("-", "");

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
