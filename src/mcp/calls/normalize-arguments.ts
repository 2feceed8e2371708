import type { z } from "zod";
import { deletedVersion, sessionId } from "../../api/schemas.js";
import {
  confirm,
  deletedKey,
  deletedPrefix,
  ifVersion,
  newIfVersion,
  shortIfVersion,
  sourceIfVersion,
  targetIfVersion,
} from "./change-arguments.js";

/**
 * Arguments that hosts are known to add to a call for their own use: Cline adds its list of steps, Gemini CLI the order
 * of calls, n8n the id that the model gave the call. A tool refuses any other argument that it does not know.
 */
const addedByHosts: ReadonlySet<string> = new Set(["task_progress", "wait_for_previous", "toolCallId"]);

/**
 * An empty text for an optional argument means that it is absent: forms and templates of hosts write it so. These
 * arguments are the exceptions: without them a call can destroy more than its caller meant.
 */
const emptyIsRefused: ReadonlySet<z.core.$ZodType> = new Set([
  confirm,
  deletedKey,
  deletedPrefix,
  deletedVersion,
  ifVersion,
  newIfVersion,
  shortIfVersion,
  sourceIfVersion,
  targetIfVersion,
]);

/** A whole number in the form that JSON writes. The schema refuses one past 2^53. */
const wholeNumberPattern = /^(?:0|-?[1-9]\d{0,15})$/;

const uploadUriPattern = /^artifact-upload:\/\/([^/?#]*)$/;

/**
 * The parameters of a request, brought into the form that the schema takes. The schema reads them next.
 *
 * - Null means absent. So does an empty text for an optional parameter.
 * - Where the schema wants a whole number, a boolean, an object or one of some words, text that says it is converted.
 *   Such a word may be spelled differently (`UTF-8`). A list may be text with commas between its parts.
 * - An empty list for an optional list is absent, and whole numbers in a list of texts are texts.
 * - Values in metadata may be numbers and booleans.
 * - A session id may have white space around it, and may be given as the URI `artifact-upload://ID`.
 *
 * Any other text stays as it is, whatever it looks like. The schema refuses what cannot be converted.
 */
export function normalizeParams(schema: z.ZodObject, given: unknown): unknown {
  return normalizeTopLevel(schema, parseIfJson(given));
}

/**
 * The arguments of a tool, normalized as parameters are, and without the arguments that hosts add. Where the schema wants
 * text, a list of one text is that text.
 */
export function normalizeArguments(input: z.ZodObject, given: unknown): unknown {
  const args = parseIfJson(given);
  if (!isObject(args)) return args;
  const own = Object.entries(args).filter(([name]) => Object.hasOwn(input.shape, name) || !addedByHosts.has(name));
  return normalizeTopLevel(
    input,
    Object.fromEntries(own.map(([name, part]) => [name, withoutList(memberOf(input, name), part)])),
  );
}

/**
 * Parses text that is a JSON object. Returns undefined for null, also if null is written as JSON. Returns any other
 * value as it is.
 */
export function parseIfJson(value: unknown): unknown {
  if (value === null || (typeof value === "string" && value.trim() === "null")) return undefined;
  if (typeof value !== "string" || !value.trimStart().startsWith("{")) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value; // the schema says what is wrong with the text
  }
}

/** The id in a session id as hosts write it: without white space around it, and without `artifact-upload://`. */
export function normalizeSessionId(given: string): string {
  const id = given.trim();
  return uploadUriPattern.exec(id)?.[1] ?? id;
}

/** Only at this level may an empty text mean absent. Deeper inside it may be a value, such as a progress token. */
function normalizeTopLevel(schema: z.ZodObject, value: unknown): unknown {
  if (!isObject(value)) return value;
  const isAbsent = (name: string, part: unknown): boolean =>
    (part === "" || isEmptyList(memberOf(schema, name), part)) && mayBeAbsent(memberOf(schema, name));
  const given = Object.entries(value).filter(([name, part]) => !isAbsent(name, part));
  return normalizeObject(schema, Object.fromEntries(given));
}

/** The text in a list of one text, where the schema wants text. */
function withoutList(schema: z.core.$ZodType | undefined, value: unknown): unknown {
  if (schema === undefined || !Array.isArray(value) || value.length !== 1) return value;
  const [only] = value;
  return typeof only === "string" && innermost(schema)._zod.def.type === "string" ? only : value;
}

function isEmptyList(schema: z.core.$ZodType | undefined, value: unknown): boolean {
  const isList = schema !== undefined && innermost(schema)._zod.def.type === "array";
  return isList && Array.isArray(value) && value.length === 0;
}

function mayBeAbsent(schema: z.core.$ZodType | undefined): boolean {
  return schema !== undefined && schema !== innermost(schema) && !emptyIsRefused.has(schema);
}

function normalizeObject(schema: z.ZodObject, value: unknown): unknown {
  if (!isObject(value)) return value;
  return withoutUndefined(
    Object.entries(value).map(([name, part]) => [name, normalizeMember(memberOf(schema, name), part)]),
  );
}

/** Returns undefined if the schema does not know the member. Then the schema refuses it or passes it on. */
function memberOf({ shape }: z.ZodObject, name: string): z.core.$ZodType | undefined {
  return Object.hasOwn(shape, name) ? shape[name] : undefined;
}

function normalizeMember(schema: z.core.$ZodType | undefined, value: unknown): unknown {
  if (value === null) return undefined;
  return schema === undefined ? value : normalizeValue(innermost(schema), value);
}

function normalizeValue(schema: z.core.$ZodType, value: unknown): unknown {
  switch (schema._zod.def.type) {
    case "number":
      return typeof value === "string" && wholeNumberPattern.test(value) ? Number(value) : value;
    case "boolean":
      return value === "true" || value === "false" ? value === "true" : value;
    case "enum":
      return typeof value === "string" ? normalizeWord(schema as z.ZodEnum, value) : value;
    case "record":
      return normalizeRecord(parseIfJson(value));
    case "object":
      return normalizeObject(schema as z.ZodObject, parseIfJson(value));
    case "array":
      return normalizeList(value);
    default:
      return schema === sessionId && typeof value === "string" ? normalizeSessionId(value) : value;
  }
}

/** The option that differs from the text only in case and hyphens. Returns the text if there is none. */
function normalizeWord({ options }: z.ZodEnum, value: string): string {
  const word = options.map(String).find((option) => comparableSpelling(option) === comparableSpelling(value));
  return word ?? value;
}

/** Every list in the schemas of this server holds text. It may be written as JSON, or with commas between its parts. */
function normalizeList(value: unknown): unknown {
  const list = typeof value === "string" ? listIn(value) : value;
  return Array.isArray(list) ? list.map((part) => (Number.isSafeInteger(part) ? String(part) : part)) : list;
}

function listIn(text: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) return parsed;
  } catch {
    // the text is no JSON
  }
  return text.split(",").map((part) => part.trim());
}

const comparableSpelling = (word: string): string => word.toLowerCase().replaceAll("-", "");

/** Every record in the schemas of this server holds text. */
function normalizeRecord(value: unknown): unknown {
  if (!isObject(value)) return value;
  return withoutUndefined(Object.entries(value).map(([name, part]) => [name, toText(part)]));
}

/** A whole number past 2^53 has already lost digits, so it stays a number, and the schema refuses it. */
function toText(value: unknown): unknown {
  const isExact = typeof value === "number" && (Number.isSafeInteger(value) || !Number.isInteger(value));
  return isExact || typeof value === "boolean" ? String(value) : (value ?? undefined);
}

/** An object of the members that have a value. `Object.fromEntries` treats `__proto__` like any other name. */
function withoutUndefined(members: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** The schema without what makes it optional and without its default. */
function innermost(schema: z.core.$ZodType): z.core.$ZodType {
  const { innerType } = schema._zod.def as { innerType?: z.core.$ZodType };
  return innerType === undefined ? schema : innermost(innerType);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
