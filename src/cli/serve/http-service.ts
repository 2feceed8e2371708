import { randomBytes } from "node:crypto";
import packageJson from "../../../package.json" with { type: "json" };
import type { WorkMetrics } from "../../http/metrics/work-metrics.js";
import { fullNamesLog } from "../../store/bucket-prefix/full-names-log.js";
import type { Log } from "../../store/ports/log.js";
import { downloadsOnly, type TransferUrls } from "../../store/ports/transfer-urls.js";
import type { Store } from "../../store/store.js";
import type { HttpConfig, ServeConfig } from "../options/serve-config.js";

/** HTTP cannot be served, and nothing else was asked for. The message is one line that says what to do. */
export class HttpServiceError extends Error {
  override readonly name = "HttpServiceError";
}

export interface HttpService {
  /** What the server counts: also work that does not come over HTTP. */
  readonly metrics: WorkMetrics;
  /** Makes the URLs in the store's records. It makes none until the service listens. */
  readonly urls: TransferUrls;
  /**
   * Begins to listen. Returns the origin. Returns undefined if the address is in use and the server goes on over stdio.
   *
   * @throws HttpServiceError if the address is in use, and there is no stdio
   */
  start(store: Store): Promise<string | undefined>;
  stop(): Promise<void>;
}

/**
 * Prepares to serve the store over HTTP, with the Model Context Protocol at `/mcp`.
 *
 * The code for HTTP is loaded here, and nowhere else: a server that a host starts for stdio does not wait for it.
 */
export async function prepareHttp(
  http: HttpConfig,
  config: ServeConfig,
  signingKey: Uint8Array,
  log: Log,
): Promise<HttpService> {
  const [
    { createMetrics },
    { SignedUrls },
    { ListenError, startHttpServer },
    { createMcpEndpoint },
    { createMcpServer },
  ] = await Promise.all([
    import("../../http/metrics/metrics.js"),
    import("../../http/security/signed-urls.js"),
    import("../../http/server.js"),
    import("../../mcp/http/streamable-http.js"),
    import("../../mcp/session/mcp-server.js"),
  ]);
  const { version } = packageJson;
  const signedUrls = new SignedUrls(signingKey, undefined, config.bucketPrefix);
  const metrics = createMetrics(version);
  let stop = async (): Promise<void> => undefined;

  return {
    metrics,
    urls: config.readOnly ? downloadsOnly(signedUrls) : signedUrls,
    async start(store) {
      const options = { ...config, version, store, log: fullNamesLog(log, config.bucketPrefix) };
      const ofMcp = { ...options, isLocal: false, hasUrls: true, onToolCalled: metrics.toolCalled };
      const mcp = createMcpEndpoint(() => createMcpServer(ofMcp), log);
      const token = http.token ?? randomBytes(24).toString("base64url");
      try {
        const server = await startHttpServer({ ...options, ...http, signedUrls, metrics, token, mcp });
        stop = server.stop;
        if (http.token === undefined) printToken(server.origin, token);
        return server.origin;
      } catch (error) {
        metrics.close();
        if (!(error instanceof ListenError)) throw error;
        if (!config.stdio) throw new HttpServiceError(error.message, { cause: error });
        log("warn", "http_not_served", { why: error.message });
        return undefined;
      }
    },
    stop: () => stop(),
  };
}

/** The token of this run goes to the person who has started the server. It must not be in the log. */
function printToken(origin: string, token: string): void {
  process.stderr.write(`artifacts-mcp: HTTP at ${origin} takes the token ${token}\n`);
}
