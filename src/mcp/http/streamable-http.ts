import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
  ErrorCode,
  type JSONRPCMessage,
  type JSONRPCRequest,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/sdk/types.js";
import type { Log } from "../../store/ports/log.js";
import { BufferPool } from "../fast-json/buffer-pool.js";
import { contentDecoder } from "../fast-json/content.js";
import { type CallFlowLimits, isRequest } from "../flow/call-flow.js";
import { CallTurns, type CallTurnsLimits } from "../flow/call-turns.js";
import { errorAnswer, parseBody } from "../flow/json-rpc.js";
import { requestForSdk } from "../flow/sdk-messages.js";
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
import { type AnswerForm, answerForm, isJson } from "./answer-form.js";
import { EventLog } from "./event-log.js";
import { ending, HttpBodies, type HttpBodiesLimits, type HttpBody } from "./http-bodies.js";
import { type HttpExchange, RefusedRequest } from "./http-exchange.js";
import { HttpSessions, type HttpSessionsLimits } from "./http-sessions.js";
import type { HttpTransport } from "./http-transport.js";
import type { MessageStream } from "./message-stream.js";

/** What `mcp/limits.ts` says of each. */
export interface McpEndpointLimits extends CallFlowLimits, CallTurnsLimits, HttpBodiesLimits, HttpSessionsLimits {
  readonly maxEventBytes: number;
  /** Between two signs of life on a connection without messages. */
  readonly keepAliveMs: number;
}

const usualLimits: McpEndpointLimits = {
  ...{ maxSessions: 256, mcpSessionIdleMs, maxEventBytes, stalledMs, keepAliveMs: 15_000 },
  ...{ maxConcurrentCalls, maxWaitingCalls, maxUnreadBytes, maxHeldBytes },
  ...{ maxMcpBodyBytes, maxSmallBodyBytes, maxSmallBodiesBytes, maxWaitingBodies },
  firstAnswerBytes: maxUnreadBytes / 4, // the answers to several clients that begin at once have room
};

/** How often clients that take nothing are looked for, while others wait for them, in ms. */
const lookMs = 500;

/** Serves any number of clients over one path. */
export interface McpEndpoint {
  /** A request that may be here: who sent it has been looked at. Resolves once its answer has ended. */
  handle(exchange: HttpExchange): Promise<void>;
  /** Takes no new request from here on. Resolves once no call is under way, which may be never. */
  finish(): Promise<void>;
  /** Ends all sessions. A call that is still under way is answered that it has not been done. */
  close(): Promise<void>;
}

/** @param newServer a server for one client */
export function createMcpEndpoint(
  newServer: () => Server,
  log: Log,
  changed: Partial<McpEndpointLimits> = {},
): McpEndpoint {
  const limits = { ...usualLimits, ...changed };
  const events = new EventLog<MessageStream>(limits.maxEventBytes);
  const turns = new CallTurns(limits, () => events.unreadBytes);
  const bodies = new HttpBodies(limits);
  const sessions = new HttpSessions(newServer, { log: events, turns, limits }, log, limits);
  const posts = new Posts(sessions, bodies);
  const look = (): void => {
    const isCut = events.cutOverfull() || (turns.isHeldUp && events.cutStalled(limits.stalledMs));
    if (isCut) log("warn", "mcp_client_stalled");
  };
  const looking = setInterval(look, Math.min(lookMs, limits.stalledMs)).unref();

  /** @returns whether the response is taken care of */
  async function answer(exchange: HttpExchange): Promise<boolean> {
    const id = exchange.header("mcp-session-id");
    const transport = id === undefined ? undefined : sessions.find(id);
    if (id !== undefined && transport === undefined) throw sessionNotFound();
    checkVersion(exchange);
    if (transport !== undefined) sessions.use(transport, exchange.response);
    switch (exchange.request.method) {
      case "POST":
        return posts.take(exchange, transport);
      case "GET":
        if (answerForm(exchange.header("accept")) !== "events") throw notAcceptable("text/event-stream");
        listen(exchange, begun(transport));
        return true;
      case "DELETE":
        await sessions.end(begun(transport));
        return false;
      default:
        throw new RefusedRequest(405, ErrorCode.InvalidRequest, "This URL takes POST, GET and DELETE.", { allow });
    }
  }

  return {
    async handle(exchange) {
      const { request, response } = exchange;
      if (response.destroyed) return;
      const closed = new Promise<void>((resolve) => void response.once("close", resolve));
      try {
        if (sessions.isFinishing) throw ending(); // 404 would tell clients that their session is gone
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
      clearInterval(looking);
      bodies.close();
      await sessions.close();
    },
  };
}

const allow = "GET, POST, DELETE, OPTIONS";
/** JSON-RPC leaves the codes from -32000 to -32099 to the server. */
const badRequest = -32_000;

class Posts {
  readonly #sessions: HttpSessions;
  readonly #bodies: HttpBodies;
  readonly #decodeContent = contentDecoder(new BufferPool());

  constructor(sessions: HttpSessions, bodies: HttpBodies) {
    this.#sessions = sessions;
    this.#bodies = bodies;
  }

  /** @returns whether there are answers, and they go to the response */
  async take(exchange: HttpExchange, transport: HttpTransport | undefined): Promise<boolean> {
    const form = answerForm(exchange.header("accept"));
    if (form === undefined) throw notAcceptable("application/json, text/event-stream");
    if (!isJson(exchange.header("content-type"))) {
      throw new RefusedRequest(415, badRequest, "Send a JSON-RPC message with Content-Type: application/json.");
    }
    const body = await this.#bodies.read(exchange);
    try {
      return await this.#give(exchange, transport, body, form);
    } catch (error) {
      body.leave();
      throw error;
    }
  }

  async #give(exchange: HttpExchange, known: HttpTransport | undefined, body: HttpBody, form: AnswerForm) {
    const { response } = exchange;
    const parsed = parseBody(body.bytes, this.#decodeContent);
    if ("error" in parsed) throw new RefusedRequest(400, parsed.error.code, parsed.error.message);
    const { messages } = parsed;
    const first = messages.filter(isRequest).find(({ method }) => method === "initialize");
    if (first !== undefined && (known !== undefined || messages.length > 1)) {
      const message = "Send initialize alone, once, and without Mcp-Session-Id.";
      throw new RefusedRequest(400, ErrorCode.InvalidRequest, message);
    }
    if (first === undefined && known === undefined) throw messages.some(isInitialize) ? badInitialize() : notBegun();
    const protocolVersion = first === undefined ? versionOf(exchange) : versionIn(first);
    const transport = known ?? (await this.#sessions.begin());
    if (transport.isClosed) throw sessionNotFound();
    if (known === undefined) this.#sessions.use(transport, response);
    return transport.post({ ...parsed, bytes: body.bytes.length, form, protocolVersion }, response, body.leave);
  }
}

function listen(exchange: HttpExchange, transport: HttpTransport): void {
  const last = exchange.header("last-event-id");
  if (last === undefined) transport.listen(exchange.response);
  else transport.resume(last, exchange.response);
}

/** @throws RefusedRequest where its parameters are wrong, so that no session begins */
function versionIn(initialize: JSONRPCRequest): string {
  const request = requestForSdk(initialize);
  if (!("error" in request)) return String(request.params?.["protocolVersion"]);
  const { code, message } = request.error;
  throw new RefusedRequest(400, code, message, {}, initialize.id);
}

function versionOf(exchange: HttpExchange): string {
  return exchange.header("mcp-protocol-version") ?? DEFAULT_NEGOTIATED_PROTOCOL_VERSION;
}

function checkVersion(exchange: HttpExchange): void {
  const version = exchange.header("mcp-protocol-version");
  if (version === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(version)) return;
  const message = `MCP-Protocol-Version: this server speaks ${SUPPORTED_PROTOCOL_VERSIONS.join(", ")}. Send the version that initialize answered.`;
  throw new RefusedRequest(400, badRequest, message);
}

function isInitialize(message: JSONRPCMessage): boolean {
  return "method" in message && message.method === "initialize";
}

function badInitialize(): RefusedRequest {
  const message =
    'initialize needs params like {"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"mine","version":"1"}}, and an id.';
  return new RefusedRequest(400, ErrorCode.InvalidParams, message);
}

function begun(transport: HttpTransport | undefined): HttpTransport {
  if (transport === undefined) throw notBegun();
  return transport;
}

function notBegun(): RefusedRequest {
  return new RefusedRequest(400, badRequest, "Send initialize first, and its Mcp-Session-Id with each request.");
}

function notAcceptable(types: string): RefusedRequest {
  return new RefusedRequest(406, badRequest, `Send Accept: ${types}.`);
}

/** As the protocol has it: the client then begins a new session. */
function sessionNotFound(): RefusedRequest {
  return new RefusedRequest(404, -32_001, "Session not found: initialize again, without Mcp-Session-Id.");
}
