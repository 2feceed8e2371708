import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Log } from "../../store/ports/log.js";
import { HttpError } from "./http-error.js";
import { toProblem } from "./problem.js";

/** How long a client may take to close the connection, once it has been told why. */
const lingerMs = 2_000;

/** The code of a CONNECT, which Node hands over with the connection. */
const tunnel = "CONNECT";

/** What Node says of bytes that it could not read as a request. */
type ParseError = Error & { readonly code?: string; readonly reason?: string };

/** Answers what Node could not read as a request, and closes: nothing that comes behind it can be read either. */
export class Malformed {
  readonly #log: Log;
  /** Requests of each connection that are not answered yet. */
  readonly #inWork = new WeakMap<Duplex, Set<ServerResponse>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** To be told of every request. */
  watch({ socket }: IncomingMessage, response: ServerResponse): void {
    const all = this.#inWork.get(socket) ?? new Set();
    this.#inWork.set(socket, all.add(response));
    response.once("close", () => all.delete(response));
  }

  refuseTunnel(socket: Duplex): void {
    this.refuse(Object.assign(new Error("CONNECT is not taken"), { code: tunnel }), socket);
  }

  refuse(error: ParseError, socket: Duplex): void {
    this.#log("debug", "request_malformed", { code: error.code, reason: error.reason });
    const answered = answerTo(error);
    const inWork = [...(this.#inWork.get(socket) ?? [])];
    const last = inWork.at(-1);
    // Once answers are under way, bytes between them would be taken for a part of them.
    if (answered === undefined || !socket.writable || (last && !mayStillAnswer(inWork))) socket.destroy();
    else if (last?.req.complete) last.once("close", () => end(socket, answered));
    else end(socket, answered);
  }
}

/** Whether all that came before is whole, so that its answers come first; or the one request is what is broken. */
function mayStillAnswer(inWork: readonly ServerResponse[]): boolean {
  return inWork.every(({ req }) => req.complete) || (inWork.length === 1 && inWork[0]?.headersSent === false);
}

function end(socket: Duplex, text: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(text);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
  socket.resume(); // what is left unread would reset the connection, and take the answer from the client
}

/** The whole response; undefined if the connection itself is broken. */
function answerTo(error: ParseError): string | undefined {
  const problem = problemOf(error);
  if (problem === undefined) return undefined;
  const { status, body } = toProblem(problem, {}, () => undefined);
  const text = `${JSON.stringify(body)}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${String(body["title"])}`,
    ...["content-type: application/problem+json", `content-length: ${Buffer.byteLength(text)}`],
    ...["cache-control: no-store", "x-content-type-options: nosniff", "connection: close"],
  ];
  return `${lines.join("\r\n")}\r\n\r\n${text}`;
}

function problemOf({ code = "", reason = "" }: ParseError): HttpError | undefined {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new HttpError("request_timeout", "The head of the request did not arrive in time: send it again.");
    case "HPE_HEADER_OVERFLOW":
      return new HttpError("header_too_large", "The URL and the header fields are too long together: shorten them.");
    case "HPE_INVALID_URL":
      return new HttpError(
        "invalid_argument",
        "The URL has a character that no request may have as it is: percent-encode the URL as UTF-8, é as %C3%A9, a space as %20.",
      );
    case tunnel:
      return new HttpError("method_not_allowed", "This is no proxy: send requests for this server alone, not CONNECT.");
    case "HPE_INVALID_EOF_STATE":
      return new HttpError(
        "invalid_argument",
        "The connection ended before the request was whole. What came for an upload's own URL is stored: ask that URL for the offset, and go on from there. Send any other request again.",
      );
    case "HPE_INVALID_CONSTANT": // of the protocol, behind a URL that has a space
      return unreadable(reason, "The URL has to be percent-encoded, a space as %20, é as %C3%A9.");
    default:
      return code.startsWith("HPE_") ? unreadable(reason, "Send it as RFC 9112 has it.") : undefined;
  }
}

/** @param next what to do */
function unreadable(reason: string, next: string): HttpError {
  return new HttpError("invalid_argument", `This cannot be read as a request of HTTP/1.1 (${reason}). ${next}`);
}
