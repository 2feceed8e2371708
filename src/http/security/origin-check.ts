import { isIP } from "node:net";
import { quote } from "../../store/model/quote.js";
import type { Exchange } from "../message/exchange.js";
import { HttpError } from "../message/http-error.js";

export interface OriginCheckOptions {
  /** Host name or address on which the server listens. */
  readonly host: string;
  /** URL at which clients reach the server, if it differs from the address on which it listens. */
  readonly publicUrl?: string | undefined;
  /** Origins of the web pages that may use the server, like `https://app.example.com`. */
  readonly origins: readonly string[];
}

/** Header fields that a page of another origin may read (CORS). */
const exposedHeaders =
  "ETag, Link, Location, Rows, Content-Range, Content-Disposition, Repr-Digest, Upload-Offset, Upload-Length, Upload-Complete, Upload-Limit, Upload-Expires, Upload-Metadata, Upload-Defer-Length, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Mcp-Session-Id, Retry-After, WWW-Authenticate";

/** Refuses requests of web pages from origins that are not allowed, and of pages that use DNS rebinding. */
export class OriginCheck {
  readonly #hostNames: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor({ host, publicUrl, origins }: OriginCheckOptions) {
    const publicNames = publicUrl === undefined ? [] : [hostNameOf(new URL(publicUrl).host)];
    this.#hostNames = new Set(["localhost", host.toLowerCase(), ...publicNames]);
    this.#origins = new Set(origins);
  }

  /** Checks `Host` and `Origin`, and sets the CORS fields of the answer. @throws HttpError `forbidden` */
  check(exchange: Exchange): void {
    const host = exchange.header("host");
    // DNS rebinding needs a name, so addresses are safe. Browsers always send Host; HTTP/1.0 clients may leave it out.
    if (host !== undefined && !this.#hostNames.has(hostNameOf(host)) && isIP(hostNameOf(host)) === 0) {
      throw foreignHost(host);
    }
    const origin = exchange.header("origin");
    if (origin === undefined) return;
    if (this.#origins.has(origin)) {
      exchange.set("access-control-allow-origin", origin);
      exchange.set("access-control-expose-headers", exposedHeaders);
    } else if (origin !== `http://${host}` && origin !== `https://${host}`) {
      throw foreignOrigin(origin);
    }
    exchange.set("vary", "Origin");
  }

  /** Returns the header fields that answer a CORS preflight request; undefined if the request is not one. */
  preflight(exchange: Exchange, methods: readonly string[]): Record<string, string> | undefined {
    const wantedMethod = exchange.header("access-control-request-method");
    if (exchange.method !== "OPTIONS" || wantedMethod === undefined || exchange.header("origin") === undefined) {
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

function foreignHost(host: string): HttpError {
  const url = /^[\w.-]{1,255}(?::\d{1,5})?$/.test(host) ? `http://${host}` : "URL";
  return new HttpError(
    "forbidden",
    `This server does not answer requests for the host ${quote(host)}: start the server with --http-url ${url} to allow it.`,
  );
}

function foreignOrigin(origin: string): HttpError {
  const wanted = /^https?:\/\/[\w.-]{1,255}(?::\d{1,5})?$/.test(origin) ? origin : "ORIGIN";
  return new HttpError(
    "forbidden",
    `Web pages from ${quote(origin)} may not use this server: start the server with --http-origin ${wanted} to allow them.`,
  );
}

/** Returns the host in a `Host` field in lower case, without its port and brackets. */
function hostNameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}
