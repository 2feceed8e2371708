import type { IncomingMessage, ServerResponse } from "node:http";
import { ArtifactError } from "../../store/model/errors.js";
import { BodySource, StoppedBodyError } from "./body-source.js";
import type { HeaderValues } from "./http-error.js";
import { isHttp11 } from "./http-version.js";
import type { ProblemForm } from "./problem.js";
import { readTarget, type Target } from "./target.js";

/** The answer to a request. */
export interface Answer {
  readonly status: number;
  readonly headers?: HeaderValues;
  /** Sent as JSON. */
  readonly body?: object;
  /** Sent as it is, in place of a body. `headers` has its content-type. */
  readonly text?: string;
}

/** Largest JSON body, in bytes. A request that creates a session is far smaller. */
const maxJsonBytes = 64 * 1024;
/**
 * How many bytes of an unwanted body are read and dropped, and for how long. A client that is still sending when the
 * connection is reset does not see the answer.
 */
const maxDrainBytes = 4 * 1024 * 1024;
const maxDrainMs = 2_000;

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: BodySource;
  /** Returns what the upload protocol of this request changes in the answer to an error. */
  problemFormOf: (error: unknown) => ProblemForm = () => ({});
  readonly #stopping: AbortSignal;
  #target: Target | undefined;
  /** Header fields of every answer. */
  readonly #common = new Map<string, string>();

  constructor(request: IncomingMessage, response: ServerResponse, stopping: AbortSignal) {
    this.request = request;
    this.response = response;
    this.#stopping = stopping;
    this.body = new BodySource(request, response);
  }

  /** @throws HttpError `invalid_argument` if the URL cannot be parsed */
  get target(): Target {
    this.#target ??= readTarget(this.request.url ?? "");
    return this.#target;
  }

  get method(): string {
    return this.request.method ?? "";
  }

  /** Returns the value of a header field; several lines are joined by commas. The name may have any case. */
  header(name: string): string | undefined {
    const value = this.request.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** Sets a header field of every answer to this request. */
  set(name: string, value: string): void {
    this.#common.set(name, value);
  }

  get common(): HeaderValues {
    return Object.fromEntries(this.#common);
  }

  /**
   * Returns the whole body.
   *
   * @throws ArtifactError `too_large` if the body has more than `maxBytes`
   * @throws StoppedBodyError if the server stops before the body is complete
   */
  async bytes(maxBytes: number): Promise<Buffer> {
    const stop = (): void => this.body.stop();
    this.#stopping.addEventListener("abort", stop);
    if (this.#stopping.aborted) stop();
    try {
      return await this.#readBody(maxBytes);
    } finally {
      this.#stopping.removeEventListener("abort", stop);
    }
  }

  async #readBody(maxBytes: number): Promise<Buffer> {
    const blocks: Uint8Array[] = [];
    let bytes = 0;
    for (let block = await this.body.next(); block !== undefined; block = await this.body.next()) {
      bytes += block.length;
      if (bytes > maxBytes)
        throw new ArtifactError("too_large", `The body of this request may have at most ${maxBytes} bytes.`, {
          details: { bytes },
        });
      blocks.push(block);
    }
    if (this.body.isUnread) throw new StoppedBodyError("the server is stopping");
    return Buffer.concat(blocks);
  }

  /** Returns the body, parsed as JSON. @throws ArtifactError `invalid_argument`, `too_large` */
  async json(): Promise<unknown> {
    const bytes = await this.bytes(maxJsonBytes);
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch {
      const example = '{"bucket":"data","key":"report.csv"}';
      throw new ArtifactError("invalid_argument", `The body must be JSON in UTF-8, like ${example}.`);
    }
  }

  /** Sends an interim response (1xx) if the client understands it and the final answer has not begun. */
  inform(status: string, headers: HeaderValues): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    if (this.response.headersSent || !isHttp11(this.request)) return;
    // Node sends only 100, 102 and 103 itself. `socket` is undefined until it is this response's turn.
    this.response.socket?.write(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`);
  }

  /**
   * Sends the answer. If the body was not read to its end, the connection closes after the answer.
   *
   * @param type media type of the body
   */
  async send({ status, headers = {}, body, text: plain }: Answer, type = "application/json"): Promise<void> {
    const text = body === undefined ? (plain ?? "") : `${JSON.stringify(body)}\n`;
    const hasNoBody = body === undefined && plain === undefined;
    const length = status === 204 || (hasNoBody && this.method === "HEAD") ? {} : lengthOf(text);
    const content = body === undefined ? {} : { "content-type": type };
    const { isUnread, isAwaitingContinue } = this.body;
    const close: HeaderValues = isUnread ? { connection: "close" } : {};
    const all = { "cache-control": "no-store", ...this.common, ...content, ...length, ...headers, ...close };
    this.response.writeHead(status, all);
    // No time is spent on the body of a client that was told to slow down (429).
    if (!isUnread || isAwaitingContinue || status === 429) {
      this.response.end(text);
      return;
    }
    // Read on for a while: a client that is still sending does not see the answer if the connection is reset.
    this.response.write(text === "" || this.method === "HEAD" ? "" : text);
    this.response.flushHeaders();
    await this.#drainBody();
    this.response.end();
  }

  async #drainBody(): Promise<void> {
    const { request } = this;
    let bytes = 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, maxDrainMs);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      request.on("data", (block: Uint8Array) => {
        bytes += block.length;
        if (bytes > maxDrainBytes) done();
      });
      for (const event of ["end", "close", "error"]) request.once(event, done);
      request.removeAllListeners("readable");
      request.resume();
    });
  }
}

function lengthOf(text: string): HeaderValues {
  return { "content-length": String(Buffer.byteLength(text)) };
}
