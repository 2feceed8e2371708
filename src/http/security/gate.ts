import { isIP } from "node:net";
import { quote } from "../../store/model/quote.js";
import type { Exchange } from "../message/exchange.js";
import { HttpError } from "../message/http-error.js";

export interface GateOptions {
  /** What the listener is bound to. */
  readonly host: string;
  /** Where clients reach it, if that is elsewhere. */
  readonly publicUrl?: string | undefined;
  /** Web pages that may use it: `https://app.example.com`. */
  readonly origins: readonly string[];
}

const exposed =
  "ETag, Location, Content-Range, Content-Disposition, Repr-Digest, Upload-Offset, Upload-Length, Upload-Complete, Upload-Limit, Upload-Expires, Upload-Metadata, Upload-Defer-Length, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Mcp-Session-Id, Retry-After, WWW-Authenticate";

/** Keeps web pages out that nobody has let in: those of other origins, and those whose name was bent to this address. */
export class Gate {
  readonly #names: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor({ host, publicUrl, origins }: GateOptions) {
    const publicName = publicUrl === undefined ? [] : [nameOf(new URL(publicUrl).host)];
    this.#names = new Set(["localhost", host.toLowerCase(), ...publicName]);
    this.#origins = new Set(origins);
  }

  /** @throws HttpError `forbidden` */
  check(exchange: Exchange): void {
    const host = exchange.header("host");
    // A name that was bent to this address is no address. Without one, as HTTP/1.0 may be, it is no browser that asks.
    if (host !== undefined && !this.#names.has(nameOf(host)) && isIP(nameOf(host)) === 0) {
      throw new HttpError("forbidden", `This server does not answer for the host ${quote(host)}: --http-url names it.`);
    }
    const origin = exchange.header("origin");
    if (origin === undefined) return;
    if (this.#origins.has(origin)) {
      exchange.set("access-control-allow-origin", origin);
      exchange.set("access-control-expose-headers", exposed);
    } else if (origin !== `http://${host}` && origin !== `https://${host}`) {
      throw new HttpError("forbidden", `Pages of ${quote(origin)} may not use this server: --http-origin allows them.`);
    }
    exchange.set("vary", "Origin");
  }

  /** What a browser asks before it sends a request of a page; undefined where this is no such question. */
  preflight(exchange: Exchange, methods: readonly string[]): Record<string, string> | undefined {
    const asksFor = exchange.header("access-control-request-method");
    if (exchange.method !== "OPTIONS" || asksFor === undefined || exchange.header("origin") === undefined) {
      return undefined;
    }
    const headers = exchange.header("access-control-request-headers");
    return {
      "access-control-allow-methods": methods.join(", "),
      ...(headers === undefined ? {} : { "access-control-allow-headers": headers }),
      "access-control-max-age": "600",
    };
  }
}

/** The host of a `Host` header, without port and brackets. */
function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}
