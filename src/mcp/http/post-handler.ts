import {
  DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
  ErrorCode,
  type JSONRPCMessage,
  type JSONRPCRequest,
} from "@modelcontextprotocol/sdk/types.js";
import { isRequest, serverErrorCode } from "../flow/json-rpc.js";
import { requestForSdk } from "../flow/sdk-messages.js";
import { type AnswerForm, answerForm, isJson } from "./answer-form.js";
import type { HttpBodies, HttpBody } from "./http-bodies.js";
import { type HttpExchange, RefusedRequest } from "./http-exchange.js";
import { type HttpSessions, sessionNotFound } from "./http-sessions.js";
import type { HttpTransport } from "./http-transport.js";
import { parseBody } from "./parse-body.js";

/** Handles POST: reads the messages and gives them to the session's transport. `initialize` begins a session. */
export class PostHandler {
  readonly #sessions: HttpSessions;
  readonly #bodies: HttpBodies;

  constructor(sessions: HttpSessions, bodies: HttpBodies) {
    this.#sessions = sessions;
    this.#bodies = bodies;
  }

  /** @returns whether the transport answers on the response; false if there is nothing to answer */
  async handle(exchange: HttpExchange, transport: HttpTransport | undefined): Promise<boolean> {
    const form = answerForm(exchange.header("accept"));
    if (form === undefined) throw notAcceptable("application/json, text/event-stream");
    if (!isJson(exchange.header("content-type"))) {
      throw new RefusedRequest(415, serverErrorCode, "Send a JSON-RPC message with Content-Type: application/json.");
    }
    const body = await this.#bodies.read(exchange);
    try {
      return await this.#deliver(exchange, transport, body, form);
    } catch (error) {
      body.release();
      throw error;
    }
  }

  async #deliver(exchange: HttpExchange, known: HttpTransport | undefined, body: HttpBody, form: AnswerForm) {
    const { response } = exchange;
    const parsed = parseBody(body.bytes);
    if ("error" in parsed) throw new RefusedRequest(400, parsed.error.code, parsed.error.message);
    const { messages } = parsed;
    const initialize = messages.filter(isRequest).find(isInitialize);
    if (initialize !== undefined && (known !== undefined || messages.length > 1)) {
      const message = "Send initialize alone, once, and without Mcp-Session-Id.";
      throw new RefusedRequest(400, ErrorCode.InvalidRequest, message);
    }
    if (initialize === undefined && known === undefined) {
      throw messages.some(isInitialize) ? initializeWithoutId() : notInitialized();
    }
    const protocolVersion = initialize === undefined ? versionOf(exchange) : versionIn(initialize);
    const transport = known ?? (await this.#sessions.begin());
    if (transport.isClosed) throw sessionNotFound();
    if (known === undefined) this.#sessions.use(transport, response);
    return transport.post({ ...parsed, bytes: body.bytes.length, form, protocolVersion }, response, body.release);
  }
}

function versionOf(exchange: HttpExchange): string {
  return exchange.header("mcp-protocol-version") ?? DEFAULT_NEGOTIATED_PROTOCOL_VERSION;
}

/** @throws RefusedRequest if the parameters are wrong, so that no session begins */
function versionIn(initialize: JSONRPCRequest): string {
  const request = requestForSdk(initialize);
  if (!("error" in request)) return String(request.params?.["protocolVersion"]);
  const { code, message } = request.error;
  throw new RefusedRequest(400, code, message, {}, initialize.id);
}

function isInitialize(message: JSONRPCMessage): boolean {
  return "method" in message && message.method === "initialize";
}

function initializeWithoutId(): RefusedRequest {
  const message =
    'initialize needs an id, and params like {"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"mine","version":"1"}}.';
  return new RefusedRequest(400, ErrorCode.InvalidParams, message);
}

export function notInitialized(): RefusedRequest {
  return new RefusedRequest(
    400,
    serverErrorCode,
    "Send initialize first, and then its Mcp-Session-Id with each request.",
  );
}

/** @param types the media types that the client has to accept */
export function notAcceptable(types: string): RefusedRequest {
  return new RefusedRequest(406, serverErrorCode, `Send Accept: ${types}.`);
}
