import type { IncomingMessage } from "node:http";

/**
 * Returns whether a request is of HTTP/1.1 or newer. Only such a client understands interim responses (1xx): an
 * HTTP/1.0 client takes one for the final answer.
 */
export function isHttp11({ httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean {
  return httpVersionMajor > 1 || httpVersionMinor >= 1;
}
