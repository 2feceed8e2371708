import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { ErrorCode, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import type { Log } from "../../store/ports/log.js";
import type { CallFlowLimits } from "../flow/call-flow.js";
import { CallTurns, type CallTurnsLimits } from "../flow/call-turns.js";
import { errorAnswer, serverErrorCode } from "../flow/json-rpc.js";
import {
  maxConcurrentCalls,
  maxEventBytes,
  maxHeldBytes,
  maxMcpBodyBytes,
  maxSmallBodiesBytes,
  maxSmallBodyBytes,
  maxUnreadBytes,
  maxWaitingBodies,
  maxWaitingCalls,
  mcpSessionIdleMs,
  stalledMs,
} from "../limits.js";
import { answerForm } from "./answer-form.js";
import { EventLog } from "./event-log.js";
import { HttpBodies, type HttpBodiesLimits, serverEnding } from "./http-bodies.js";
import { type HttpExchange, RefusedRequest } from "./http-exchange.js";
import { HttpSessions, type HttpSessionsLimits, sessionNotFound } from "./http-sessions.js";
import type { HttpTransport } from "./http-transport.js";
import type { MessageStream } from "./message-stream.js";
import { notAcceptable, notInitialized, PostHandler } from "./post-handler.js";

/** `mcp/limits.ts` describes the limits. */
export interface McpEndpointLimits extends CallFlowLimits, CallTurnsLimits, HttpBodiesLimits, HttpSessionsLimits {
  readonly maxEventBytes: number;
  /** How often something is sent on a connection without messages. */
  readonly keepAliveMs: number;
}

const defaultLimits: McpEndpointLimits = {
  maxSessions: 256,
  mcpSessionIdleMs,
  maxEventBytes,
  stalledMs,
  keepAliveMs: 15_000,
  maxConcurrentCalls,
  maxWaitingCalls,
  maxUnreadBytes,
  maxHeldBytes,
  maxMcpBodyBytes,
  maxSmallBodyBytes,
  maxSmallBodiesBytes,
  maxWaitingBodies,
  firstAnswerBytes: maxUnreadBytes / 4, // so that several clients can begin at once
};

/** How often the endpoint looks for clients that read nothing while others wait. */
const stalledCheckMs = 500;

const allowedMethods = "GET, POST, DELETE, OPTIONS";

/** Serves many clients over one path, by MCP's Streamable HTTP. */
export interface McpEndpoint {
  /** Answers a request that is already authorized. Resolves when the response has ended. */
  handle(exchange: HttpExchange): Promise<void>;
  /** Refuses new requests. Resolves when no call is running, which may never happen. */
  finish(): Promise<void>;
  /** Ends all sessions. A call that is still running gets an error. */
  close(): Promise<void>;
}

/** @param newServer makes a server for one client */
export function createMcpEndpoint(
  newServer: () => Server,
  log: Log,
  changed: Partial<McpEndpointLimits> = {},
): McpEndpoint {
  const limits = { ...defaultLimits, ...changed };
  const events = new EventLog<MessageStream>(limits.maxEventBytes);
  const turns = new CallTurns(limits, () => events.unreadBytes);
  const bodies = new HttpBodies(limits);
  const sessions = new HttpSessions(newServer, { log: events, turns, limits }, log, limits);
  const posts = new PostHandler(sessions, bodies);
  const disconnectStalled = (): void => {
    const isDone = events.disconnectIfFull() || (turns.isHeldUp && events.disconnectStalled(limits.stalledMs));
    if (isDone) log("warn", "mcp_client_stalled");
  };
  const stalledTimer = setInterval(disconnectStalled, Math.min(stalledCheckMs, limits.stalledMs)).unref();

  /** @returns whether something else ends the response */
  async function answer(exchange: HttpExchange): Promise<boolean> {
    const id = exchange.header("mcp-session-id");
    const transport = id === undefined ? undefined : sessions.find(id);
    if (id !== undefined && transport === undefined) throw sessionNotFound();
    checkVersion(exchange);
    if (transport !== undefined) sessions.use(transport, exchange.response);
    switch (exchange.request.method) {
      case "POST":
        return posts.handle(exchange, transport);
      case "GET":
        if (answerForm(exchange.header("accept")) !== "events") throw notAcceptable("text/event-stream");
        listen(exchange, initialized(transport));
        return true;
      case "DELETE":
        await sessions.end(initialized(transport));
        return false;
      default:
        throw new RefusedRequest(405, ErrorCode.InvalidRequest, "This URL takes POST, GET and DELETE.", {
          allow: allowedMethods,
        });
    }
  }

  return {
    async handle(exchange) {
      const { request, response } = exchange;
      if (response.destroyed) return;
      const closed = new Promise<void>((resolve) => void response.once("close", resolve));
      try {
        if (sessions.isFinishing) throw serverEnding(); // 404 would tell clients that their session has ended
        if (await answer(exchange)) await closed;
        else await exchange.send({ status: request.method === "POST" ? 202 : 200 });
      } catch (error) {
        if (!(error instanceof RefusedRequest)) throw error;
        const { status, code, message, headers, id } = error;
        log("debug", "mcp_request_refused", { status, why: message });
        await exchange.send({ status, headers, body: errorAnswer(id, code, message) });
      }
    },
    async finish() {
      bodies.close();
      await sessions.finish();
    },
    async close() {
      clearInterval(stalledTimer);
      bodies.close();
      await sessions.close();
    },
  };
}

function listen(exchange: HttpExchange, transport: HttpTransport): void {
  const last = exchange.header("last-event-id");
  if (last === undefined) transport.listen(exchange.response);
  else transport.resume(last, exchange.response);
}

function checkVersion(exchange: HttpExchange): void {
  const version = exchange.header("mcp-protocol-version");
  if (version === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(version)) return;
  const message = `MCP-Protocol-Version: this server supports ${SUPPORTED_PROTOCOL_VERSIONS.join(", ")}. Send the version from the answer to initialize.`;
  throw new RefusedRequest(400, serverErrorCode, message);
}

function initialized(transport: HttpTransport | undefined): HttpTransport {
  if (transport === undefined) throw notInitialized();
  return transport;
}
