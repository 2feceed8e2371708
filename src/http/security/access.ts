import { createHash, timingSafeEqual } from "node:crypto";
import { isIPv6 } from "node:net";
import type { Exchange } from "../message/exchange.js";
import { HttpError } from "../message/http-error.js";

/** Failures of one host in a second, past which it hears of its haste. */
const maxFailuresPerSecond = 10;
/** Hosts that are remembered. */
const maxHosts = 10_000;

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
    if (second !== this.#second || this.#failures.size > maxHosts) {
      this.#second = second;
      this.#failures = new Map();
    }
    const host = hostOf(exchange.request.socket.remoteAddress ?? "");
    const failures = (this.#failures.get(host) ?? 0) + 1;
    this.#failures.set(host, failures);
    if (failures > maxFailuresPerSecond) {
      const message = "Too many requests without a right to them: wait a second, and look at the token or the URL.";
      return new HttpError("too_many_requests", message, { "retry-after": "1" });
    }
    return new HttpError("unauthorized", why, { "www-authenticate": 'Bearer realm="artifacts-mcp"' });
  }
}

/**
 * Who counts as one, told from the address of a connection: an address of IPv4, or the first 64 bits of one of IPv6,
 * of which a single host has the rest for itself.
 */
export function hostOf(address: string): string {
  const [, mapped] = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address) ?? [];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [before = "", behind] = address.replace(/%.*$/, "").toLowerCase().split("::");
  const [first, last] = [groupsOf(before), groupsOf(behind ?? "")];
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => "0");
  return [...first, ...zeros, ...last].slice(0, 4).join(":");
}

/** The groups of a part of an address of IPv6; an address of IPv4 at its end is two of them, and in none of the first four. */
function groupsOf(part: string): string[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => (group.includes(".") ? ["0", "0"] : [group.replace(/^0+(?=.)/, "")]));
}

/** Digests are of one length, so comparing them tells nothing, not even how long the token is. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
