import type { IncomingMessage, ServerResponse } from "node:http";
import { ArtifactError } from "../../store/model/errors.js";
import { BodySource, StoppedBodyError } from "./body-source.js";
import { knowsInterim } from "./framing.js";
import { type HeaderValues, HttpError } from "./http-error.js";
import type { ProblemForm } from "./problem.js";
import { readTarget, type Target } from "./target.js";

/** What a handler answers, where it has not answered by itself. */
export interface Answer {
  readonly status: number;
  readonly headers?: HeaderValues;
  /** Sent as JSON. */
  readonly body?: object;
}

/** Largest JSON body, in bytes: what it takes to create a session is far less. */
const maxJsonBytes = 64 * 1024;
/** What is read and dropped of a body that nobody wants, so that its sender comes to see the answer. */
const lingerBytes = 4 * 1024 * 1024;
const lingerMs = 2_000;

/** One request, and the way to its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: BodySource;
  /** How the dialect that is spoken puts an error. */
  formOf: (error: unknown) => ProblemForm = () => ({});
  readonly #stopping: AbortSignal;
  #target: Target | undefined;
  /** Sent with every answer. */
  readonly #common = new Map<string, string>();

  constructor(request: IncomingMessage, response: ServerResponse, stopping: AbortSignal) {
    this.request = request;
    this.response = response;
    this.#stopping = stopping;
    this.body = new BodySource(request, response);
  }

  /** @throws HttpError where it cannot be read */
  get target(): Target {
    this.#target ??= readTarget(this.request.url ?? "");
    return this.#target;
  }

  get method(): string {
    return this.request.method ?? "";
  }

  /** A header's value; several lines of it are joined by commas. */
  header(name: string): string | undefined {
    const value = this.request.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** A header that every answer to this request has. */
  set(name: string, value: string): void {
    this.#common.set(name, value);
  }

  get common(): HeaderValues {
    return Object.fromEntries(this.#common);
  }

  /**
   * All of the body, at once.
   *
   * @throws ArtifactError `too_large` where it has more than `most` bytes; StoppedBodyError where the server ends first
   */
  async bytes(most: number): Promise<Buffer> {
    const stop = (): void => this.body.stop();
    this.#stopping.addEventListener("abort", stop);
    if (this.#stopping.aborted) stop();
    try {
      return await this.#gather(most);
    } finally {
      this.#stopping.removeEventListener("abort", stop);
    }
  }

  async #gather(most: number): Promise<Buffer> {
    const blocks: Uint8Array[] = [];
    let bytes = 0;
    for (let block = await this.body.next(); block !== undefined; block = await this.body.next()) {
      bytes += block.length;
      if (bytes > most)
        throw new ArtifactError("too_large", `This request takes at most ${most} bytes.`, { details: { bytes } });
      blocks.push(block);
    }
    if (this.body.isUnread) throw new StoppedBodyError("the server ends");
    return Buffer.concat(blocks);
  }

  /** @throws ArtifactError `invalid_argument`, `too_large` */
  async json(): Promise<unknown> {
    const bytes = await this.bytes(maxJsonBytes);
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch {
      const example = '{"bucket":"data","key":"report.csv"}';
      throw new ArtifactError("invalid_argument", `The body must be JSON in UTF-8, like ${example}.`);
    }
  }

  /** An interim response, before the one that counts. */
  inform(status: string, headers: HeaderValues): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    // Node knows of no other interim status than 100, 102 and 103; the socket is the response's in its turn alone.
    if (this.response.headersSent || !knowsInterim(this.request)) return;
    this.response.socket?.write(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`);
  }

  async send({ status, headers = {}, body }: Answer, type = "application/json"): Promise<void> {
    const text = body === undefined ? "" : `${JSON.stringify(body)}\n`;
    const length = status === 204 || (body === undefined && this.method === "HEAD") ? {} : lengthOf(text);
    const content = body === undefined ? {} : { "content-type": type };
    const { isUnread, isHeldBack } = this.body;
    const close: HeaderValues = isUnread ? { connection: "close" } : {};
    const all = { "cache-control": "no-store", ...this.common, ...content, ...length, ...headers, ...close };
    this.response.writeHead(status, all);
    // Who was told to wait is not read from either.
    if (!isUnread || isHeldBack || status === 429) {
      this.response.end(text);
      return;
    }
    // A sender that is busy sending sees no answer once the connection is reset.
    this.response.write(text === "" || this.method === "HEAD" ? "" : text);
    this.response.flushHeaders();
    await this.#linger();
    this.response.end();
  }

  async #linger(): Promise<void> {
    const { request } = this;
    let bytes = 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, lingerMs);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      request.on("data", (block: Uint8Array) => {
        bytes += block.length;
        if (bytes > lingerBytes) done();
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

/** @throws HttpError for content that is coded: it is stored as it comes */
export function refuseContentCoding(exchange: Exchange): void {
  const coding = exchange.header("content-encoding");
  if (coding === undefined || coding.toLowerCase() === "identity") return;
  throw new HttpError(
    "unsupported_media_type",
    "Content-Encoding is not undone here, content is stored as it comes: send it without, or save the compressed file under a type of its own, like application/gzip.",
    { "accept-encoding": "identity" },
  );
}

/** @throws HttpError for a form: the file would be stored with the form around it */
export function refuseForm(exchange: Exchange): void {
  if (!/^multipart\/form-data\b/i.test(exchange.header("content-type") ?? "")) return;
  throw new HttpError(
    "unsupported_media_type",
    "The body is stored as it comes, so a form (curl -F) would be stored around its file: send the file's bytes alone, like curl -T FILE URL.",
  );
}
