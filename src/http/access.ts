import { createHash, timingSafeEqual } from "node:crypto";
import type { Exchange } from "./exchange.js";
import { HttpError } from "./http-error.js";

/** Failures of one address in a second, past which it hears of its haste. */
const maxFailuresPerSecond = 10;
/** Addresses that are remembered. */
const maxAddresses = 10_000;

/** Who may do what needs the server's token; and how often one may be wrong about it. */
export class Access {
  readonly #token: Buffer;
  readonly #nowMs: () => number;
  #second = 0;
  #failures = new Map<string, number>();

  constructor(token: string, nowMs: () => number = () => performance.now()) {
    this.#token = digest(token);
    this.#nowMs = nowMs;
  }

  isBearer(exchange: Exchange): boolean {
    const [, token] = /^Bearer +([^ ]+) *$/i.exec(exchange.header("authorization") ?? "") ?? [];
    return token !== undefined && timingSafeEqual(digest(token), this.#token);
  }

  /** @param why what is wrong, and what to do */
  refusal(exchange: Exchange, why: string): HttpError {
    const second = Math.floor(this.#nowMs() / 1_000);
    if (second !== this.#second || this.#failures.size > maxAddresses) {
      this.#second = second;
      this.#failures = new Map();
    }
    const address = exchange.request.socket.remoteAddress ?? "";
    const failures = (this.#failures.get(address) ?? 0) + 1;
    this.#failures.set(address, failures);
    if (failures > maxFailuresPerSecond) {
      const message = "Too many requests without a right to them: wait a second, and look at the token or the URL.";
      return new HttpError("too_many_requests", message, { "retry-after": "1" });
    }
    return new HttpError("unauthorized", why, { "www-authenticate": 'Bearer realm="artifacts-mcp"' });
  }
}

/** Digests are of one length, so comparing them tells nothing, not even how long the token is. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
