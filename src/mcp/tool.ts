import type { CallToolResult, Tool as ListedTool } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { quote, shorten } from "../store/artifact.js";
import { ArtifactError } from "../store/errors.js";
import type { Store } from "../store/store.js";

/** What the tools are made of. */
export interface ToolContext {
  readonly store: Store;
  readonly maxChunkBytes: number;
  /** What import_file and export_file may reach, absolute. */
  readonly allowedDirectories: () => Promise<readonly string[]>;
}

/** One call of a tool, beside its arguments. */
export interface ToolCall {
  /** Aborted where the client has cancelled the call. */
  readonly signal: AbortSignal;
  /** Tells the client how far it is, if it has asked to be told. */
  progress(done: number, total: number, message: string): void;
}

export interface Tool {
  readonly listing: ListedTool;
  /** Changes nothing, so it is offered under `--read-only` too. */
  readonly isReading: boolean;
  /** Reaches files of this machine, so it is offered only where some directory was allowed. */
  readonly reachesFiles: boolean;
  /** @throws ArtifactError `invalid_argument` where the arguments break the schema; those of the use case */
  call(args: unknown, call: ToolCall): Promise<CallToolResult>;
}

interface ToolSpec<Input extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  /** Under 2 KB: when to use it, and when not. */
  readonly description: string;
  /** All four, since the protocol's defaults are pessimistic; every tool works on this store alone. */
  readonly annotations: Readonly<Record<"readOnlyHint" | "destructiveHint" | "idempotentHint", boolean>>;
  readonly reachesFiles?: boolean;
  readonly input: Input;
  readonly output?: z.ZodObject;
  readonly answer: (args: z.output<Input>, call: ToolCall) => Promise<CallToolResult>;
}

export const reading = { readOnlyHint: true, destructiveHint: false, idempotentHint: true } as const;

export function defineTool<Input extends z.ZodObject>(spec: ToolSpec<Input>): Tool {
  const { name, title, description, annotations, reachesFiles = false, input, output } = spec;
  return {
    isReading: annotations.readOnlyHint,
    reachesFiles,
    listing: {
      name,
      title,
      description,
      inputSchema: jsonSchema(input),
      ...(output ? { outputSchema: jsonSchema(output) } : {}),
      annotations: { title, ...annotations, openWorldHint: false },
    },
    async call(args, call) {
      refuseUnusableNames(args);
      const parsed = input.safeParse(args ?? {});
      if (!parsed.success) throw invalidArguments(parsed.error, input, args);
      return spec.answer(parsed.data, call);
    },
  };
}

/** As hosts take it: without `$schema`, nor `propertyNames`, which says no more than JSON does. */
function jsonSchema(schema: z.ZodObject): ListedTool["inputSchema"] {
  const { $schema, ...json } = z.toJSONSchema(schema, {
    io: "input",
    override({ jsonSchema: found }) {
      delete found.propertyNames;
    },
  });
  return { ...json, type: "object" } as ListedTool["inputSchema"];
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
      {
        argument: String(argument),
      },
    );
  }
}

function invalidArguments(error: z.ZodError, input: z.ZodObject, args: unknown): ArtifactError {
  const problems = error.issues.slice(0, 5).map((issue) => problemOf(issue, input, args));
  const [first] = error.issues;
  const argument = first?.code === "unrecognized_keys" ? first.keys[0] : first?.path[0];
  const details = argument === undefined ? {} : { argument: String(argument).slice(0, 100) };
  return new ArtifactError("invalid_argument", `${problems.join("; ")}. Nothing was done.`, details);
}

function problemOf(issue: z.core.$ZodIssue, input: z.ZodObject, args: unknown): string {
  if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
    const known = Object.keys(input.shape).join(", ") || "none";
    return `unknown argument ${issue.keys.map(quote).join(", ")}: this tool takes ${known}`;
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
