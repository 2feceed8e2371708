import { randomBytes } from "node:crypto";
import type { Links } from "../store/ports/links.js";
import type { Log } from "../store/ports/log.js";
import type { Store } from "../store/store.js";
import type { Config, HttpConfig } from "./config.js";

/** HTTP cannot be served, and nothing else was asked for; the message is one line that says what to do. */
export class HttpServiceError extends Error {
  override readonly name = "HttpServiceError";
}

export interface HttpService {
  /** What the store's records say of where bytes go; nowhere, until something listens. */
  readonly links: Links;
  /** Where it listens now; undefined where the address is taken, and there is stdio to go on with. */
  start(store: Store): Promise<string | undefined>;
  stop(): Promise<void>;
}

export interface HttpServiceOptions extends Config {
  readonly version: string;
  /** For whoever starts it, in place of the log: a token that was made for this run. */
  readonly tell: (line: string) => void;
}

/**
 * The store over HTTP, and the Model Context Protocol at `/mcp`. Its code is loaded only where it is asked for: a host
 * that starts the server for stdio does not wait for it.
 */
export async function prepareHttp(
  http: HttpConfig,
  options: HttpServiceOptions,
  signingKey: Uint8Array,
  log: Log,
): Promise<HttpService> {
  const [{ HttpLinks }, { ListenError, startHttpServer }, { createMcpEndpoint }, { createMcpServer }] =
    await Promise.all([
      import("../http/links.js"),
      import("../http/server.js"),
      import("../mcp/http/streamable-http.js"),
      import("../mcp/session/mcp-server.js"),
    ]);
  const links = new HttpLinks(signingKey);
  let stop = async (): Promise<void> => undefined;

  return {
    links,
    async start(store) {
      const mcpOptions = { ...options, store, log, isLocal: false, hasUrls: true };
      const mcp = createMcpEndpoint(() => createMcpServer(mcpOptions), log);
      const token = http.token ?? randomBytes(24).toString("base64url");
      const shared = { ...options, ...http, store, links, log, token };
      try {
        const server = await startHttpServer({ ...shared, mcp });
        stop = server.stop;
        if (http.token === undefined) options.tell(`HTTP at ${server.origin} takes the token ${token}`);
        return server.origin;
      } catch (error) {
        if (!(error instanceof ListenError)) throw error;
        if (!options.stdio) throw new HttpServiceError(error.message, { cause: error });
        log("warn", "http_not_served", { why: error.message });
        return undefined;
      }
    },
    stop: () => stop(),
  };
}
