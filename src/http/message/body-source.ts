import type { IncomingMessage, ServerResponse } from "node:http";
import type { ByteSource } from "../../store/ports/byte-source.js";
import { isHttp11 } from "./http-version.js";

/** The client disconnected, or stopped sending, before the body was complete. */
export class BrokenBodyError extends Error {
  override readonly name = "BrokenBodyError";
}

/** The server is stopping, and the body was not complete. Nothing of the body is kept. */
export class StoppedBodyError extends Error {
  override readonly name = "StoppedBodyError";
}

/** A request's body as a stream. It holds no more in memory than the socket has buffered. */
export class BodySource implements ByteSource {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #isStarted = false;
  #isStopped = false;
  #wake: () => void = () => undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  /** Length of the body in bytes: 0 if there is no body, undefined if it is chunked. */
  get length(): number | undefined {
    const { "content-length": length, "transfer-encoding": coding } = this.#request.headers;
    if (length !== undefined) return Number(length);
    return coding === undefined ? 0 : undefined;
  }

  /** Whether the request has a body that has not been read to its end. */
  get isUnread(): boolean {
    return this.length !== 0 && !this.#request.readableEnded;
  }

  /** Whether the client waits for `100 Continue` before it sends the body. */
  get isAwaitingContinue(): boolean {
    return !this.#isStarted && expectsContinue(this.#request);
  }

  async next(): Promise<Uint8Array | undefined> {
    if (!this.#isStarted) this.#start();
    for (;;) {
      if (this.#isStopped) return undefined;
      const bytes: Buffer | null = this.#request.read();
      if (bytes !== null) return bytes;
      if (this.#request.readableEnded) return undefined;
      if (this.#request.destroyed || this.#request.errored)
        throw new BrokenBodyError("the connection closed before the body was complete");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  #start(): void {
    this.#isStarted = true;
    if (expectsContinue(this.#request)) this.#response.writeContinue();
    const wake = (): void => this.#wake();
    for (const event of ["readable", "end", "error", "close"]) this.#request.on(event, wake);
  }
}

function expectsContinue(request: IncomingMessage): boolean {
  return isHttp11(request) && request.headers.expect?.toLowerCase() === "100-continue";
}
