import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Log } from "../../store/ports/log.js";
import { HttpError } from "../message/http-error.js";
import { toProblem } from "../message/problem.js";

/** After the answer, the client has this long to close the connection, in ms. */
const lingerMs = 2_000;

/** The error code of a CONNECT request in this file. Node has none for it. */
const tunnel = "CONNECT";

/** Node's error for bytes that it could not parse as a request. */
type ParseError = Error & { readonly code?: string; readonly reason?: string };

/**
 * Answers requests that Node could not parse, and closes their connections, because the bytes that follow cannot be
 * parsed either.
 */
export class MalformedRequests {
  readonly #log: Log;
  /** Responses of each connection that are not finished. */
  readonly #unfinished = new WeakMap<Duplex, Set<ServerResponse>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Must be called for every request. */
  watch({ socket }: IncomingMessage, response: ServerResponse): void {
    const all = this.#unfinished.get(socket) ?? new Set();
    this.#unfinished.set(socket, all.add(response));
    response.once("close", () => all.delete(response));
  }

  /** Answers a CONNECT request, and closes its connection. */
  refuseTunnel(socket: Duplex): void {
    this.refuse(Object.assign(new Error("CONNECT is not supported"), { code: tunnel }), socket);
  }

  /** Answers a parse error after the requests before it have been answered, and closes the connection. */
  refuse(error: ParseError, socket: Duplex): void {
    this.#log("debug", "request_malformed", { code: error.code, reason: error.reason });
    const answered = answerTo(error);
    const unfinished = [...(this.#unfinished.get(socket) ?? [])];
    const last = unfinished.at(-1);
    // A client would take bytes in the middle of an answer for a part of that answer.
    if (answered === undefined || !socket.writable || (last && !canStillAnswer(unfinished))) socket.destroy();
    else if (last?.req.complete) last.once("close", () => end(socket, answered));
    else end(socket, answered);
  }
}

/**
 * Returns whether a refusal can be sent: all requests before were received completely, so their answers come first; or
 * the only request is the broken one, and its answer has not begun.
 */
function canStillAnswer(unfinished: readonly ServerResponse[]): boolean {
  return (
    unfinished.every(({ req }) => req.complete) || (unfinished.length === 1 && unfinished[0]?.headersSent === false)
  );
}

function end(socket: Duplex, text: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(text);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
  socket.resume(); // unread bytes would reset the connection, and the client would lose the answer
}

/** Returns the text of the whole response; undefined if the connection itself is broken. */
function answerTo(error: ParseError): string | undefined {
  const problem = problemOf(error);
  if (problem === undefined) return undefined;
  const { status, body } = toProblem(problem, {}, () => undefined);
  const text = `${JSON.stringify(body)}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${String(body["title"])}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(text)}`,
    "cache-control: no-store",
    "x-content-type-options: nosniff",
    "connection: close",
  ];
  return `${lines.join("\r\n")}\r\n\r\n${text}`;
}

function problemOf({ code = "", reason = "" }: ParseError): HttpError | undefined {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new HttpError("request_timeout", "The head of the request did not arrive in time: send it again.");
    case "HPE_HEADER_OVERFLOW":
      return new HttpError("header_too_large", "The URL and the header fields together are too long: shorten them.");
    case "HPE_INVALID_URL":
      return new HttpError(
        "invalid_argument",
        "The URL has a character that must be percent-encoded: percent-encode the URL as UTF-8, for example é as %C3%A9 and a space as %20.",
      );
    case tunnel:
      return new HttpError("method_not_allowed", "This server is no proxy: do not send CONNECT.");
    case "HPE_INVALID_EOF_STATE":
      return new HttpError(
        "invalid_argument",
        "The connection ended before the request was whole. Bytes received at the URL of an upload are stored: ask that URL for the offset, and continue from there. Send any other request again.",
      );
    case "HPE_INVALID_CONSTANT": // the URL has a space, so the text after it is not the protocol
      return unreadable(reason, "Percent-encode the URL: write a space as %20, é as %C3%A9.");
    default:
      return code.startsWith("HPE_") ? unreadable(reason, "Send it in the form that RFC 9112 defines.") : undefined;
  }
}

/**
 * @param reason what Node's parser says
 * @param next what to do next
 */
function unreadable(reason: string, next: string): HttpError {
  return new HttpError("invalid_argument", `This cannot be read as a request of HTTP/1.1 (${reason}). ${next}`);
}
