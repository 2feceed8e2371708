import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  type CallToolResult,
  CompleteRequestParamsSchema,
  ErrorCode,
  McpError,
  PaginatedRequestParamsSchema,
  ProgressTokenSchema,
  ResourceRequestParamsSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { jsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/types.js";
import { z } from "zod";
import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import type { Log } from "../../store/ports/log.js";
import type { Store } from "../../store/store.js";
import { failure } from "../calls/result.js";
import type { Tool, ToolCall, ToolContext } from "../calls/tool.js";
import { complete } from "../resources/complete.js";
import { listResources, resourceTemplates } from "../resources/list-resources.js";
import { readResource } from "../resources/read-resource.js";
import { createWatch, type Watch } from "../resources/watch.js";
import { allTools } from "../tools/all-tools.js";
import { type ClientLog, createClientLog } from "./client-log.js";
import { clientName } from "./client-name.js";
import { instructions } from "./instructions.js";
import { createProgress } from "./progress.js";
import { createRequests, type Requests } from "./requests.js";
import { createRoots, onlyAllowed, type Roots } from "./roots.js";
import { createToolListSignal, type ToolListSignal } from "./tool-list-signal.js";

export interface McpServerOptions {
  readonly store: Store;
  readonly log: Log;
  readonly version: string;
  readonly maxChunkBytes: number;
  /** Directories that import_file and export_file may reach, besides the client's roots; absolute. */
  readonly allowPaths: readonly string[];
  /** Offers only what changes nothing. */
  readonly readOnly: boolean;
  /** The client runs on this machine, so that the folders it shares as roots are folders here. */
  readonly isLocal: boolean;
  /** Whether sessions and artifacts have URLs that bytes can be sent to and fetched from. */
  readonly hasUrls: boolean;
}

/**
 * A server for one client, to be connected to a transport. The SDK's low-level class: its high-level one answers bad
 * arguments without a code, hides the cursor of `resources/list`, and parses URIs in ways that lose keys.
 */
export function createMcpServer(options: McpServerOptions): Server {
  const { store, log, version, readOnly, hasUrls, isLocal } = options;
  const server = new Server(
    { name: "artifacts-mcp", title: "Artifacts", version },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
        logging: {},
      },
      instructions: instructions({ readOnly, hasUrls }),
      jsonSchemaValidator: noElicitation,
    },
  );
  server.onerror = (error) => log("warn", "protocol_error", { error: error.message.slice(0, 500) });
  const toolList = createToolListSignal(() => server.sendToolListChanged(), log);
  const { allowPaths } = options;
  const roots = isLocal ? createRoots(server, allowPaths, toolList.changed, log) : onlyAllowed(allowPaths);
  const watch = createResourceWatch(server, store, log);
  server.oninitialized = () => {
    roots.start();
    watch.start().catch((error) => log("warn", "watch_failed", { error: String(error) }));
  };
  server.onclose = () => watch.stop();
  const requests = createRequests(server);
  const savedBy = (): string | undefined => clientName(server.getClientVersion());
  offerTools(requests, { savedBy, roots, toolList, clientLog: createClientLog(requests, log) }, options);
  offerResources(requests, store, watch);
  return server;
}

/** The SDK checks answers to elicitations with it, and this server asks for none; its own takes milliseconds of each start. */
const noElicitation: jsonSchemaValidator = {
  getValidator() {
    throw new Error("This server elicits nothing");
  },
};

/** Whose arguments the tool itself reads: it knows what to say of wrong ones. */
const callParams = z.looseObject({
  name: z.string(),
  arguments: z.unknown().optional(),
  _meta: z.looseObject({ progressToken: ProgressTokenSchema.optional() }).optional(),
});

/** What the tools are told of the client. */
interface ClientSide extends Pick<ToolContext, "savedBy"> {
  readonly roots: Roots;
  readonly toolList: ToolListSignal;
  readonly clientLog: ClientLog;
}

function offerTools(requests: Requests, client: ClientSide, options: McpServerOptions): void {
  const { savedBy, roots, toolList, clientLog } = client;
  const { log, readOnly } = options;
  const allowedDirectories = roots.allowed;
  const tools = new Map(allTools({ ...options, savedBy, allowedDirectories }).map((tool) => [tool.name, tool]));

  async function offered(): Promise<Tool[]> {
    const canReachFiles = (await allowedDirectories()).length > 0;
    return [...tools.values()].filter((tool) => (tool.isReading || !readOnly) && (canReachFiles || !tool.reachesFiles));
  }

  async function call(name: string, args: unknown, how: ToolCall): Promise<CallToolResult> {
    const tool = tools.get(name);
    if (tool === undefined) {
      const known = (await offered()).map((other) => other.name).join(", ");
      throw new McpError(ErrorCode.InvalidParams, `Unknown tool ${quote(name)}; there are ${known}`);
    }
    try {
      if (readOnly && !tool.isReading) throw readOnlyError(name);
      return await tool.call(args, how);
    } catch (error) {
      if (!how.signal.aborted) return failure(error, log);
      log("debug", "tool_cancelled", { tool: name }); // nobody waits for an answer
      throw error;
    }
  }

  requests.on("tools/list", PaginatedRequestParamsSchema, async () => {
    const listings = (await offered()).map((tool) => tool.listing());
    toolList.answering();
    return { tools: listings };
  });
  requests.on("tools/call", callParams, async (params, { signal, sendNotification }) => {
    const began = performance.now();
    const progress = createProgress(params._meta?.progressToken, sendNotification, log);
    const result = await call(params.name, params.arguments, { signal, progress });
    const ms = Math.round(performance.now() - began);
    const called = { tool: params.name, ms, isError: result.isError === true };
    log("debug", "tool_called", { ...called });
    await clientLog.toolCalled(called, sendNotification);
    return result;
  });
}

function createResourceWatch(server: Server, store: Store, log: Log): Watch {
  const events = {
    onListChanged: () => server.sendResourceListChanged(),
    onUpdated: (uri: string) => server.sendResourceUpdated({ uri }),
  };
  return createWatch(store, events, log);
}

function offerResources(requests: Requests, store: Store, watch: Watch): void {
  requests.on("resources/list", PaginatedRequestParamsSchema, ({ cursor }) => listResources(store, cursor));
  requests.on("resources/templates/list", PaginatedRequestParamsSchema, async () => ({ resourceTemplates }));
  requests.on("resources/read", ResourceRequestParamsSchema, ({ uri }) => readResource(store, uri));
  requests.on("completion/complete", CompleteRequestParamsSchema, (params) => complete(store, params));
  requests.on("resources/subscribe", ResourceRequestParamsSchema, async ({ uri }) => {
    await watch.subscribe(uri);
    return {};
  });
  requests.on("resources/unsubscribe", ResourceRequestParamsSchema, async ({ uri }) => {
    watch.unsubscribe(uri);
    return {};
  });
}

function readOnlyError(tool: string): ArtifactError {
  return new ArtifactError(
    "read_only",
    `${tool} is not offered: this server was started with --read-only. Only listing and reading work here.`,
    { details: { tool } },
  );
}
