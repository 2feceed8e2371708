import type { CallToolResult, Tool as ListedTool } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { readArguments } from "../../api/arguments.js";
import type { Store } from "../../store/store.js";
import { argumentsAsHostsMean } from "./host-arguments.js";

/** What the tools are made of. */
export interface ToolContext {
  readonly store: Store;
  readonly maxChunkBytes: number;
  /** Whether sessions and artifacts have URLs that bytes can be sent to and fetched from. */
  readonly hasUrls: boolean;
  /** Who the client says it is; undefined if it has not. */
  readonly savedBy: () => string | undefined;
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
  readonly name: string;
  /** What hosts are told of it. */
  listing(): ListedTool;
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
  /** Under 2 KB: when to use it, and when not. Some hosts show 150 characters of it, so the first sentence has to do. */
  readonly description: string;
  /** All four, since the protocol's defaults are pessimistic; every tool works on this store alone. */
  readonly annotations: Readonly<Record<"readOnlyHint" | "destructiveHint" | "idempotentHint", boolean>>;
  readonly reachesFiles?: boolean;
  /** What one host alone wants to know of it. */
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly input: Input;
  readonly output?: z.ZodObject;
  /** Its arguments break the schema, so that `answer` is not called. */
  readonly onRefused?: (args: unknown) => void;
  readonly answer: (args: z.output<Input>, call: ToolCall) => Promise<CallToolResult>;
}

/** Claude Code tells a model only the names of other tools, until it looks for them: for what an upload and a read need. */
export const alwaysLoad = { "anthropic/alwaysLoad": true } as const;

export const reading = { readOnlyHint: true, destructiveHint: false, idempotentHint: true } as const;

export function defineTool<Input extends z.ZodObject>(spec: ToolSpec<Input>): Tool {
  const { name, title, description, annotations, reachesFiles = false, meta, input, output } = spec;
  function read(args: unknown): z.output<Input> {
    try {
      return readArguments(input, argumentsAsHostsMean(input, args), "this tool");
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

/** As hosts take it: without `$schema`, nor `propertyNames`, which says no more than JSON does. */
function jsonSchema(schema: z.ZodObject): ListedTool["inputSchema"] {
  const { $schema, ...json } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any", // content says itself what it is
    override({ jsonSchema: found }) {
      delete found.propertyNames;
    },
  });
  return { ...json, type: "object" } as ListedTool["inputSchema"];
}
