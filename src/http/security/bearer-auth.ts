import { createHash, timingSafeEqual } from "node:crypto";
import { isIPv6 } from "node:net";
import type { Exchange } from "../message/exchange.js";
import { HttpError } from "../message/http-error.js";

/** More failures than this from one host within a second are answered with 429. */
const maxFailuresPerSecond = 10;
/** Maximum number of hosts whose failures are counted. With more hosts, all counts start again at 0. */
const maxHosts = 10_000;

/** Checks the server's bearer token (RFC 6750), and limits how often a host may fail to authenticate. */
export class BearerAuth {
  readonly #token: Buffer;
  readonly #nowMs: () => number;
  #second = 0;
  #failures = new Map<string, number>();

  /** @param nowMs a monotonic clock, in ms */
  constructor(token: string, nowMs: () => number = () => performance.now()) {
    this.#token = digest(token);
    this.#nowMs = nowMs;
  }

  /** Returns whether the request has the right token in `Authorization`. */
  isBearer(exchange: Exchange): boolean {
    const [, token] = /^Bearer +([^ ]+) *$/i.exec(exchange.header("authorization") ?? "") ?? [];
    return token !== undefined && timingSafeEqual(digest(token), this.#token);
  }

  /**
   * Counts a failure of the client's host. Returns the error to answer with: `unauthorized`, or `too_many_requests`
   * after too many failures within one second.
   *
   * @param message what is wrong, and what to do next
   */
  refusal(exchange: Exchange, message: string): HttpError {
    const second = Math.floor(this.#nowMs() / 1_000);
    if (second !== this.#second || this.#failures.size > maxHosts) {
      this.#second = second;
      this.#failures = new Map();
    }
    const host = hostOf(exchange.request.socket.remoteAddress ?? "");
    const failures = (this.#failures.get(host) ?? 0) + 1;
    this.#failures.set(host, failures);
    if (failures > maxFailuresPerSecond) {
      const tooMany = "Too many requests with a wrong token or URL. Wait a second, and check the token or the URL.";
      return new HttpError("too_many_requests", tooMany, { "retry-after": "1" });
    }
    return new HttpError("unauthorized", message, { "www-authenticate": 'Bearer realm="artifacts-mcp"' });
  }
}

/**
 * Returns the host to which failures from an address are counted. It is the whole address for IPv4, and the first 64
 * bits for IPv6, because a single host has the other 64 bits for itself.
 */
export function hostOf(address: string): string {
  const [, mapped] = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address) ?? [];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [before = "", behind] = address.replace(/%.*$/, "").toLowerCase().split("::");
  const [first, last] = [groupsOf(before), groupsOf(behind ?? "")];
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => "0");
  return [...first, ...zeros, ...last].slice(0, 4).join(":");
}

/**
 * Returns the 16-bit groups in a part of an IPv6 address. An IPv4 address at its end stands for two groups. They are
 * never among the first four, so their value is not read.
 */
function groupsOf(part: string): string[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => (group.includes(".") ? ["0", "0"] : [group.replace(/^0+(?=.)/, "")]));
}

/** Digests have equal lengths, so the time of a comparison reveals nothing about the token, not even its length. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
