import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  CompleteRequestSchema,
  ErrorCode,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { quote } from "../store/artifact.js";
import { ArtifactError } from "../store/errors.js";
import type { Log } from "../store/log.js";
import type { Store } from "../store/store.js";
import { instructions } from "./instructions.js";
import { complete } from "./resources/complete.js";
import { listResources, resourceTemplates } from "./resources/list-resources.js";
import { readResource } from "./resources/read-resource.js";
import { createWatch } from "./resources/watch.js";
import { failure } from "./result.js";
import { allTools } from "./tools/all-tools.js";

export interface McpServerOptions {
  readonly store: Store;
  readonly log: Log;
  readonly version: string;
  readonly maxChunkBytes: number;
  /** Offers only what changes nothing. */
  readonly readOnly: boolean;
}

/**
 * A server for one client, to be connected to a transport. The SDK's low-level class: its high-level one answers bad
 * arguments without a code, hides the cursor of `resources/list`, and parses URIs in ways that lose keys.
 */
export function createMcpServer({ store, log, version, maxChunkBytes, readOnly }: McpServerOptions): Server {
  const server = new Server(
    { name: "artifacts-mcp", title: "Artifacts", version },
    {
      capabilities: { tools: {}, resources: { subscribe: true, listChanged: true }, completions: {} },
      instructions: instructions(readOnly),
    },
  );
  server.onerror = (error) => log("warn", "protocol_error", { error: error.message.slice(0, 500) });
  offerTools(server, { store, log, maxChunkBytes, readOnly });
  offerResources(server, store, log);
  return server;
}

function offerTools(server: Server, { store, log, maxChunkBytes, readOnly }: Omit<McpServerOptions, "version">): void {
  const tools = new Map(allTools({ store, maxChunkBytes }).map((tool) => [tool.listing.name, tool]));
  const offered = [...tools.values()].filter((tool) => tool.isReading || !readOnly);

  async function call(name: string, args: unknown): Promise<CallToolResult> {
    const tool = tools.get(name);
    if (tool === undefined) {
      const known = offered.map(({ listing }) => listing.name).join(", ");
      throw new McpError(ErrorCode.InvalidParams, `Unknown tool ${quote(name)}; there are ${known}`);
    }
    try {
      if (!offered.includes(tool)) throw readOnlyError(name);
      return await tool.call(args);
    } catch (error) {
      return failure(error, log);
    }
  }

  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: offered.map(({ listing }) => listing) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const began = performance.now();
    const result = await call(params.name, params.arguments);
    const ms = Math.round(performance.now() - began);
    log("debug", "tool_called", { tool: params.name, ms, isError: result.isError === true });
    return result;
  });
}

function offerResources(server: Server, store: Store, log: Log): void {
  const watch = createWatch(
    store,
    {
      onListChanged: () => server.sendResourceListChanged(),
      onUpdated: (uri) => server.sendResourceUpdated({ uri }),
    },
    log,
  );
  server.oninitialized = () => {
    watch.start().catch((error) => log("warn", "watch_failed", { error: String(error) }));
  };
  server.onclose = () => watch.stop();

  server.setRequestHandler(ListResourcesRequestSchema, ({ params }) => listResources(store, params?.cursor));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => readResource(store, params.uri));
  server.setRequestHandler(CompleteRequestSchema, ({ params }) => complete(store, params));
  server.setRequestHandler(SubscribeRequestSchema, async ({ params }) => {
    await watch.subscribe(params.uri);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    watch.unsubscribe(params.uri);
    return {};
  });
}

function readOnlyError(tool: string): ArtifactError {
  return new ArtifactError(
    "read_only",
    `${tool} is not offered: this server was started with --read-only. Only listing and reading work here.`,
    { tool },
  );
}
