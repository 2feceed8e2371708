import type { CallToolResult, Tool as ListedTool } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { readArguments, type Taker } from "../../api/arguments.js";
import type { Store } from "../../store/store.js";
import { meantArgument } from "./meant-argument.js";
import { normalizeArguments } from "./normalize-arguments.js";
import { refuseUris } from "./refuse-uris.js";

/** What all tools use. */
export interface ToolContext {
  readonly store: Store;
  readonly maxChunkBytes: number;
  /** Whether sessions and artifacts have URLs that bytes can be sent to and fetched from. */
  readonly hasUrls: boolean;
  /** The client's name and version, as the client told them. Returns undefined if it told none. */
  readonly savedBy: () => string | undefined;
  /** The directories that import_file and export_file may use, as absolute paths. */
  readonly allowedDirectories: () => Promise<readonly string[]>;
}

/** What a tool knows of one call besides its arguments. */
export interface ToolCall {
  /** Aborts when the client cancels the call. */
  readonly signal: AbortSignal;
  /** Tells the client how far the call is, if the client asked for progress. */
  progress(done: number, total: number, message: string): void;
}

export interface Tool {
  readonly name: string;
  /** The description of the tool in `tools/list`. */
  listing(): ListedTool;
  /** The tool changes nothing, so it is offered with `--read-only` too. */
  readonly isReading: boolean;
  /** The tool uses files of this machine, so it is offered only if a directory is allowed. */
  readonly reachesFiles: boolean;
  /** @throws ArtifactError `invalid_argument` if the arguments break the schema, and the errors of the use case */
  call(args: unknown, call: ToolCall): Promise<CallToolResult>;
}

interface ToolSpec<Input extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  /**
   * When to use the tool, and when not; under 2 KB. Some hosts show only 150 characters, so the first sentence must be
   * enough.
   */
  readonly description: string;
  /**
   * Each hint is stated, because the protocol's defaults assume the worst. The fourth, `openWorldHint`, is false for
   * every tool: each works on this store alone.
   */
  readonly annotations: Readonly<Record<"readOnlyHint" | "destructiveHint" | "idempotentHint", boolean>>;
  readonly reachesFiles?: boolean;
  /** `_meta` of the listing: facts for single hosts. */
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly input: Input;
  readonly output?: z.ZodObject;
  /** Called in place of `answer` when the arguments break the schema. */
  readonly onRefused?: (args: unknown) => void;
  readonly answer: (args: z.output<Input>, call: ToolCall) => Promise<CallToolResult>;
}

/**
 * Claude Code loads a tool with this mark at once. Of other tools it tells the model only the names until the model looks
 * for them. The tools that an upload and a read need have the mark.
 */
export const alwaysLoad = { "anthropic/alwaysLoad": true } as const;

export const reading = { readOnlyHint: true, destructiveHint: false, idempotentHint: true } as const;

export function defineTool<Input extends z.ZodObject>(spec: ToolSpec<Input>): Tool {
  const { name, title, description, annotations, reachesFiles = false, meta, input, output } = spec;
  const taker: Taker = {
    name: "this tool",
    isReading: annotations.readOnlyHint,
    meant: (given, argument, value) => meantArgument(Object.keys(input.shape), given, argument, value),
  };
  function read(args: unknown): z.output<Input> {
    try {
      const given = readArguments(input, normalizeArguments(input, args), taker);
      refuseUris(given);
      return given;
    } catch (error) {
      spec.onRefused?.(args);
      throw error;
    }
  }
  return {
    name,
    isReading: annotations.readOnlyHint,
    reachesFiles,
    listing: () => ({
      name,
      title,
      description,
      inputSchema: jsonSchema(input),
      ...(output ? { outputSchema: jsonSchema(output) } : {}),
      annotations: { title, ...annotations, openWorldHint: false },
      ...(meta ? { _meta: { ...meta } } : {}),
    }),
    async call(args, call) {
      return spec.answer(read(args), call);
    },
  };
}

/**
 * A JSON schema for hosts. A model pays for each character of it, so it has no `$schema`, and no limit that follows from
 * the description.
 */
function jsonSchema(schema: z.ZodObject): ListedTool["inputSchema"] {
  const { $schema, ...json } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any", // the schema of content brings its own type
    override({ jsonSchema: found }) {
      delete found.propertyNames; // it only says that names are strings
      if (found.maximum === Number.MAX_SAFE_INTEGER) delete found.maximum;
      if (found.minimum === 0 || found.minimum === 1 || found.minimum === Number.MIN_SAFE_INTEGER) delete found.minimum;
      if (found.minItems === 1) delete found.minItems;
      if (found.default === false || found.default === 0) delete found.default;
    },
  });
  return { ...json, type: "object" } as ListedTool["inputSchema"];
}
