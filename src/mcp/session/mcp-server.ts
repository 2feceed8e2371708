import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  type CallToolResult,
  CompleteRequestParamsSchema,
  ErrorCode,
  PaginatedRequestParamsSchema,
  ProgressTokenSchema,
  ResourceRequestParamsSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { jsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/types.js";
import { z } from "zod";
import { nearestName } from "../../api/hints/nearest-name.js";
import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import type { Log } from "../../store/ports/log.js";
import type { Store } from "../../store/store.js";
import { ProtocolError } from "../calls/protocol-error.js";
import type { Tool, ToolCall, ToolContext } from "../calls/tool.js";
import { failure } from "../calls/tool-result.js";
import { completeArgument } from "../resources/complete-argument.js";
import { listResources, resourceTemplates } from "../resources/list-resources.js";
import { readResource } from "../resources/read-resource.js";
import { createResourceWatcher, type ResourceWatcher } from "../resources/resource-watcher.js";
import { allTools } from "../tools/all-tools.js";
import { type ClientLog, createClientLog } from "./client-log.js";
import { clientName } from "./client-name.js";
import { instructions } from "./instructions.js";
import { createProgress } from "./progress.js";
import { createRequestHandlers, type RequestHandlers } from "./request-handlers.js";
import { createRoots, onlyAllowed, type Roots } from "./roots.js";
import { createToolListSignal, type ToolListSignal } from "./tool-list-signal.js";

export interface McpServerOptions {
  readonly store: Store;
  readonly log: Log;
  readonly version: string;
  readonly maxChunkBytes: number;
  /** Absolute paths of directories that import_file and export_file may use, besides the client's roots. */
  readonly allowPaths: readonly string[];
  /** Whether only tools that change nothing are offered. */
  readonly readOnly: boolean;
  /** Whether the client runs on this machine, so that the folders that it shares as roots are folders of this machine. */
  readonly isLocal: boolean;
  /** Whether sessions and artifacts have URLs for uploads and downloads. */
  readonly hasUrls: boolean;
  /** Called after each call of a tool that exists. */
  readonly onToolCalled?: ((call: EndedToolCall) => void) | undefined;
}

/** A call of a tool that has ended. */
export interface EndedToolCall {
  readonly tool: string;
  readonly outcome: "done" | "error" | "cancelled";
  readonly ms: number;
}

/**
 * An MCP server for one client. The caller connects it to a transport. It uses the SDK's low-level class: the high-level
 * one answers bad arguments without a code, hides the cursor of `resources/list`, and loses keys when it parses URIs.
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
  const roots = isLocal ? createRoots(server, allowPaths, toolList.listChanged, log) : onlyAllowed(allowPaths);
  const watcher = createWatcher(server, store, log);
  server.oninitialized = () => {
    roots.start();
    watcher.start().catch((error) => log("warn", "watch_failed", { error: String(error) }));
  };
  server.onclose = () => watcher.stop();
  const requests = createRequestHandlers(server);
  const savedBy = (): string | undefined => clientName(server.getClientVersion());
  offerTools(requests, { savedBy, roots, toolList, clientLog: createClientLog(requests, log) }, options);
  offerResources(requests, store, watcher);
  return server;
}

/**
 * The SDK would check answers to elicitations with a validator. This server sends no elicitation, and the SDK's own
 * validator would add milliseconds to each start.
 */
const noElicitation: jsonSchemaValidator = {
  getValidator() {
    throw new Error("This server sends no elicitation");
  },
};

/** The parameters of `tools/call`. The tool reads `arguments` itself, because it can say what is wrong with them. */
const callParams = z.looseObject({
  name: z.string(),
  arguments: z.unknown().optional(),
  _meta: z.looseObject({ progressToken: ProgressTokenSchema.optional() }).optional(),
});

/** What the tools need of the client. */
interface ClientSide extends Pick<ToolContext, "savedBy"> {
  readonly roots: Roots;
  readonly toolList: ToolListSignal;
  readonly clientLog: ClientLog;
}

function offerTools(requests: RequestHandlers, client: ClientSide, options: McpServerOptions): void {
  const { savedBy, roots, toolList, clientLog } = client;
  const { log, readOnly, onToolCalled = () => undefined } = options;
  const allowedDirectories = roots.allowed;
  const tools = new Map(allTools({ ...options, savedBy, allowedDirectories }).map((tool) => [tool.name, tool]));

  async function offered(): Promise<Tool[]> {
    const canReachFiles = (await allowedDirectories()).length > 0;
    return [...tools.values()].filter((tool) => (tool.isReading || !readOnly) && (canReachFiles || !tool.reachesFiles));
  }

  async function call(name: string, args: unknown, how: ToolCall): Promise<CallToolResult> {
    const tool = tools.get(name);
    if (tool === undefined) throw unknownTool(name, [...tools.keys()], await offered());
    try {
      if (readOnly && !tool.isReading) throw readOnlyError(name);
      return await tool.call(args, how);
    } catch (error) {
      if (!how.signal.aborted) return failure(error, log);
      log("debug", "tool_cancelled", { tool: name }); // the client expects no answer
      throw error;
    }
  }

  requests.on("tools/list", PaginatedRequestParamsSchema, async () => {
    const listings = (await offered()).map((tool) => tool.listing());
    toolList.listReady();
    return { tools: listings };
  });
  requests.on("tools/call", callParams, async (params, { signal, sendNotification }) => {
    const startedAt = performance.now();
    const progress = createProgress(params._meta?.progressToken, sendNotification, log);
    const end = (outcome: EndedToolCall["outcome"]): number => {
      const ms = performance.now() - startedAt;
      if (tools.has(params.name)) onToolCalled({ tool: params.name, outcome, ms });
      return Math.round(ms);
    };
    const result = await call(params.name, params.arguments, { signal, progress }).catch((error) => {
      end("cancelled"); // or there is no such tool
      throw error;
    });
    const isError = result.isError === true;
    const called = { tool: params.name, ms: end(isError ? "error" : "done"), isError };
    log("debug", "tool_called", { ...called });
    await clientLog.toolCalled(called, sendNotification);
    return result;
  });
}

function createWatcher(server: Server, store: Store, log: Log): ResourceWatcher {
  const events = {
    onListChanged: () => server.sendResourceListChanged(),
    onUpdated: (uri: string) => server.sendResourceUpdated({ uri }),
  };
  return createResourceWatcher(store, events, log);
}

function offerResources(requests: RequestHandlers, store: Store, watcher: ResourceWatcher): void {
  requests.on("resources/list", PaginatedRequestParamsSchema, ({ cursor }) => listResources(store, cursor));
  requests.on("resources/templates/list", PaginatedRequestParamsSchema, async () => ({ resourceTemplates }));
  requests.on("resources/read", ResourceRequestParamsSchema, ({ uri }) => readResource(store, uri));
  requests.on("completion/complete", CompleteRequestParamsSchema, (params) => completeArgument(store, params));
  requests.on("resources/subscribe", ResourceRequestParamsSchema, async ({ uri }) => {
    await watcher.subscribe(uri);
    return {};
  });
  requests.on("resources/unsubscribe", ResourceRequestParamsSchema, async ({ uri }) => {
    watcher.unsubscribe(uri);
    return {};
  });
}

/** @param known names of all tools, because a call of one that is not offered says why it is not */
function unknownTool(name: string, known: readonly string[], offered: readonly Tool[]): ProtocolError {
  const nearest = nearestName(name, known);
  const question = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  const message = `Unknown tool ${quote(name)}.${question} The tools are ${offered.map((tool) => tool.name).join(", ")}.`;
  return new ProtocolError(ErrorCode.InvalidParams, message);
}

function readOnlyError(tool: string): ArtifactError {
  return new ArtifactError(
    "read_only",
    `${tool} is not offered: this server was started with --read-only. Only listing and reading work here.`,
    { details: { tool } },
  );
}
