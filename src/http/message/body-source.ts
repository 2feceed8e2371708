import type { IncomingMessage, ServerResponse } from "node:http";
import type { ByteSource } from "../../store/ports/byte-source.js";
import { knowsInterim } from "./framing.js";

/** The client went away, or stopped sending, before all of the body was there. */
export class BrokenBodyError extends Error {
  override readonly name = "BrokenBodyError";
}

/** The server ends before all of the body was there, and of this one nothing is kept. */
export class StoppedBodyError extends Error {
  override readonly name = "StoppedBodyError";
}

/** A request's body as it comes; no more of it is in memory than what the socket has buffered. */
export class BodySource implements ByteSource {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #isAsked = false;
  #isStopped = false;
  #wake: () => void = () => undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  /** Bytes of the whole body, where the client says so. */
  get length(): number | undefined {
    const { "content-length": length, "transfer-encoding": coding } = this.#request.headers;
    if (length !== undefined) return Number(length);
    return coding === undefined ? 0 : undefined;
  }

  /** Whether there is a body that has not been read to its end. */
  get isUnread(): boolean {
    return this.length !== 0 && !this.#request.readableEnded;
  }

  /** Whether the client waits to be told to send the body, and has not been. */
  get isHeldBack(): boolean {
    return !this.#isAsked && expectsContinue(this.#request);
  }

  async next(): Promise<Uint8Array | undefined> {
    if (!this.#isAsked) this.#ask();
    for (;;) {
      if (this.#isStopped) return undefined;
      const bytes: Buffer | null = this.#request.read();
      if (bytes !== null) return bytes;
      if (this.#request.readableEnded) return undefined;
      if (this.#request.destroyed || this.#request.errored) throw new BrokenBodyError("the body broke off");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  #ask(): void {
    this.#isAsked = true;
    if (expectsContinue(this.#request)) this.#response.writeContinue();
    const wake = (): void => this.#wake();
    for (const event of ["readable", "end", "error", "close"]) this.#request.on(event, wake);
  }
}

function expectsContinue(request: IncomingMessage): boolean {
  return knowsInterim(request) && request.headers.expect?.toLowerCase() === "100-continue";
}
