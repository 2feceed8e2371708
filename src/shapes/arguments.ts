import type { z } from "zod";
import { ArtifactError } from "../store/model/errors.js";
import { quote, shorten } from "../store/model/quote.js";

/**
 * Arguments as their schema has them.
 *
 * @param taker what takes them, for the error: "this tool"
 * @throws ArtifactError `invalid_argument`, which names each argument that is wrong and what it must be
 */
export function readArguments<Input extends z.ZodObject>(input: Input, args: unknown, taker: string): z.output<Input> {
  refuseUnusableNames(args);
  return parseArguments(input, args, taker);
}

/** The same, of what nobody has named. */
export function parseArguments<Input extends z.ZodObject>(input: Input, args: unknown, taker: string): z.output<Input> {
  const parsed = input.safeParse(args ?? {});
  if (!parsed.success) throw invalidArguments(parsed.error, input, args, taker);
  return parsed.data;
}

/** A name that objects cannot carry as their own is dropped on the way by what comes after: it is refused instead. */
function refuseUnusableNames(args: unknown): void {
  if (typeof args !== "object" || args === null) return;
  const name = "__proto__";
  for (const [argument, value] of [["arguments", args], ...Object.entries(args)]) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) continue;
    throw new ArtifactError(
      "invalid_argument",
      `${name} cannot be a name in ${argument}: choose another. Nothing was done.`,
      { details: { argument: String(argument) } },
    );
  }
}

function invalidArguments(error: z.ZodError, input: z.ZodObject, args: unknown, taker: string): ArtifactError {
  const problems = error.issues.slice(0, 5).map((issue) => problemOf(issue, input, args, taker));
  const [first] = error.issues;
  const argument = first?.code === "unrecognized_keys" ? first.keys[0] : first?.path[0];
  const details = argument === undefined ? {} : { argument: String(argument).slice(0, 100) };
  return new ArtifactError("invalid_argument", `${problems.join("; ")}. Nothing was done.`, { details });
}

function problemOf(issue: z.core.$ZodIssue, input: z.ZodObject, args: unknown, taker: string): string {
  if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
    const known = Object.keys(input.shape).join(", ") || "none";
    return `unknown argument ${issue.keys.map(quote).join(", ")}: ${taker} takes ${known}`;
  }
  if (issue.path.length === 0) return "arguments must be an object";
  const name = shorten(issue.path.map(String).join("."));
  const given = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], args);
  if (given === undefined) return `${name} is required`;
  return `${name} must be ${ruleOf(issue)}, not ${shorten(JSON.stringify(given))}`;
}

function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeNames[issue.expected] ?? `of type ${issue.expected}`;
    case "too_small":
      return `at least ${issue.minimum}`;
    case "too_big":
      return `at most ${issue.maximum}`;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "custom":
      return issue.message;
    default:
      return `valid (${issue.message})`;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a whole number",
  int: "a whole number",
  record: "an object of strings",
};
