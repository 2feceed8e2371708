import type { z } from "zod";
import { ArtifactError } from "../store/model/errors.js";
import { quote, shorten } from "../store/model/quote.js";

/** What takes arguments, for the errors. */
export interface Taker {
  /** Like "this tool". */
  readonly name: string;
  /** It changes nothing in any case, so that an error need not say so. */
  readonly isReading?: boolean;
  /** What the caller may have meant by an argument that there is not, or by a value that is not taken. */
  meant?(given: object, name: string, value: unknown): string | undefined;
}

/**
 * Returns arguments after their schema has checked them and added the defaults.
 *
 * @param taker a text is its name
 * @throws ArtifactError `invalid_argument`: it names the wrong arguments (five at most) and what each must be
 */
export function readArguments<Input extends z.ZodObject>(
  input: Input,
  args: unknown,
  taker: string | Taker,
): z.output<Input> {
  refuseUnusableNames(args, typeof taker === "string" ? { name: taker } : taker);
  return parseArguments(input, args, taker);
}

/** Like `readArguments`, but for arguments whose names cannot be `__proto__`. */
export function parseArguments<Input extends z.ZodObject>(
  input: Input,
  args: unknown,
  taker: string | Taker,
): z.output<Input> {
  const parsed = input.safeParse(args ?? {});
  if (!parsed.success) {
    throw invalidArguments(parsed.error, input, args, typeof taker === "string" ? { name: taker } : taker);
  }
  return parsed.data;
}

/** Refuses the name `__proto__`: later code that copies the object would silently drop it. */
function refuseUnusableNames(args: unknown, taker: Taker): void {
  if (typeof args !== "object" || args === null) return;
  const name = "__proto__";
  for (const [argument, value] of [["arguments", args], ...Object.entries(args)]) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) continue;
    throw new ArtifactError(
      "invalid_argument",
      `${name} cannot be a name in ${argument}: choose another name.${unchanged(taker)}`,
      { details: { argument: String(argument) } },
    );
  }
}

/** Problems as one text. Some end with a question. */
function joined(problems: readonly string[]): string {
  const text = problems.reduce((before, next) => `${before}${before.endsWith("?") ? "" : ";"} ${next}`);
  return text.endsWith("?") ? text : `${text}.`;
}

const unchanged = ({ isReading }: Taker): string => (isReading ? "" : " Nothing was changed.");

function invalidArguments(error: z.ZodError, input: z.ZodObject, args: unknown, taker: Taker): ArtifactError {
  const problems = error.issues.slice(0, 5).map((issue) => problemOf(issue, input, args, taker));
  const [first] = error.issues;
  const argument = first?.code === "unrecognized_keys" ? first.keys[0] : first?.path[0];
  const details = argument === undefined ? {} : { argument: String(argument).slice(0, 100) };
  return new ArtifactError("invalid_argument", `${joined(problems)}${unchanged(taker)}`, { details });
}

function problemOf(issue: z.core.$ZodIssue, input: z.ZodObject, args: unknown, taker: Taker): string {
  if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
    return unknownArguments(issue.keys, input, args, taker);
  }
  if (issue.path.length === 0) return "arguments must be an object";
  const valueAt = (path: readonly PropertyKey[]): unknown =>
    path.reduce<unknown>((value, name) => (value as Record<PropertyKey, unknown>)?.[name], args);
  const { path, rule } = ruleOf(issue);
  const name = shorten(path.map(String).join("."));
  const given = valueAt(path);
  if (given === undefined) return `${name} is required`;
  const [argument = ""] = path;
  const isOptional = path.length === 1 && input.shape[String(argument)]?.safeParse(undefined).success === true;
  const meant = path.length === 1 ? taker.meant?.(Object(args), String(argument), given) : undefined;
  if (meant !== undefined) return `${name} must be ${rule}, not ${written(given)}: did you mean ${meant}?`;
  const hint = rule === aString ? `: ${asText(given)}` : "";
  const found = Array.isArray(given) && issue.code === "too_big" ? `${given.length} items` : written(given);
  return `${name} must be ${rule}, not ${found}${hint}${isOptional ? " (or leave it out)" : ""}`;
}

/** Unknown arguments with what is meant by them; with all that there are only if that is not known. */
function unknownArguments(names: readonly string[], input: z.ZodObject, args: unknown, taker: Taker): string {
  const given = Object(args) as Record<string, unknown>;
  const meant = names.slice(0, 5).map((name) => [name, taker.meant?.(given, name, given[name])] as const);
  if (meant.every(([, what]) => what !== undefined)) {
    return meant.map(([name, what]) => `unknown argument ${quote(name)}: did you mean ${what}?`).join(" ");
  }
  const known = Object.keys(input.shape).join(", ") || "none";
  const hints = meant.flatMap(([name, what]) => (what === undefined ? [] : [`; for ${quote(name)}, give ${what}`]));
  return `unknown argument ${names.map(quote).join(", ")}: ${taker.name} takes ${known}${hints.join("")}`;
}

function written(value: unknown): string {
  try {
    return shorten(JSON.stringify(value));
  } catch {
    return "a value of such depth"; // `JSON.stringify` recurses, so a deep value exhausts the stack
  }
}

/** Says how to give a value as a string. It is not converted here, because `1.0` and `1` would be different content. */
function asText(given: unknown): string {
  if (typeof given === "object") return "write JSON as a text, in quotes";
  const isExact = typeof given === "boolean" || Number.isSafeInteger(given);
  return isExact ? `write it as text, "${given}"` : "write it as text, in quotes";
}

interface Rule {
  /** Path of the value that the rule is for. In a union it may be deeper than the path of the issue. */
  readonly path: readonly PropertyKey[];
  readonly rule: string;
}

function ruleOf(issue: z.core.$ZodIssue): Rule {
  const { path } = issue;
  switch (issue.code) {
    case "invalid_type":
      return { path, rule: typeNames[issue.expected] ?? `of type ${issue.expected}` };
    case "too_small":
      return { path, rule: `at least ${issue.minimum}` };
    case "too_big":
      return { path, rule: `at most ${issue.maximum}${issue.origin === "array" ? " items" : ""}` };
    case "invalid_value":
      return { path, rule: `one of ${issue.values.map(String).join(", ")}` };
    case "invalid_union":
      return ruleOfUnion(issue);
    case "unrecognized_keys":
      return { path, rule: `without ${issue.keys.map(quote).join(", ")}` };
    case "custom":
      return { path, rule: issue.message };
    default:
      return { path, rule: `valid (${issue.message})` };
  }
}

/**
 * Returns the rule of the alternative with the fewest issues. Of several such alternatives, their rules are joined by
 * "or".
 */
function ruleOfUnion({ path, errors }: z.core.$ZodIssueInvalidUnion): Rule {
  const fewest = Math.min(...errors.map(({ length }) => length));
  const rules = errors.filter(({ length }) => length === fewest).flatMap(([first]) => (first ? [ruleOf(first)] : []));
  const [best] = rules;
  if (best === undefined) return { path, rule: "valid" };
  const inPlace = rules.filter(({ path }) => path.join() === best.path.join());
  const rule = [...new Set(inPlace.map(({ rule }) => rule))].join(" or ");
  return { path: [...path, ...best.path], rule };
}

/** `contentArgument` uses the same words. */
const aString = "a string";

const typeNames: Readonly<Record<string, string>> = {
  string: aString,
  number: "a whole number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object of strings",
};
