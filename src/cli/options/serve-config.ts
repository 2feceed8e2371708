import { isIPv4 } from "node:net";
import type { LogLevel } from "../../store/ports/log.js";
import { ConfigError } from "./config-error.js";
import { defaultRoot } from "./directories.js";
import { type GivenOptions, type OptionValues, optionValues } from "./option-values.js";

/** What a server needs to know, frozen. Its fields have the values of the options with the same names. */
export interface ServeConfig {
  /** Absolute path of the data directory. */
  readonly root: string;
  /** The person has chosen the root, so its parent must exist. */
  readonly isRootNamed: boolean;
  readonly readOnly: boolean;
  readonly maxArtifactBytes: number;
  readonly maxChunkBytes: number;
  readonly keepVersions: number;
  readonly sessionTtlMs: number;
  /** Directories that import_file and export_file may reach, absolute. */
  readonly allowPaths: readonly string[];
  readonly maxStoreBytes: number;
  readonly maxOpenSessions: number;
  readonly maxUnfinishedBytes: number;
  /** Whether to serve the Model Context Protocol on stdin and stdout. */
  readonly stdio: boolean;
  readonly http: HttpConfig | undefined;
  readonly logLevel: LogLevel;
}

export interface HttpConfig {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  /** If it is undefined, a token is made at the start. */
  readonly token: string | undefined;
  /** Origins of web pages that may use HTTP. */
  readonly origins: readonly string[];
  /** URL at which clients reach the server, if it is another one than where it listens; no slash at its end. */
  readonly publicUrl: string | undefined;
}

/** @throws ConfigError */
export function serveConfig(given: GivenOptions, environment: NodeJS.ProcessEnv): ServeConfig {
  const values = optionValues(given, environment);
  const { all, one } = values;
  const http = httpConfig(values);
  const stdio = !one("no-stdio");
  if (!stdio && http === undefined) {
    throw new ConfigError("--no-stdio leaves nothing to serve: give --http HOST:PORT with it");
  }
  return Object.freeze({
    root: one("root") ?? defaultRoot(environment),
    isRootNamed: all("root").length > 0,
    readOnly: one("read-only"),
    maxArtifactBytes: one("max-artifact-bytes"),
    maxChunkBytes: one("max-chunk-bytes"),
    keepVersions: one("keep-versions"),
    sessionTtlMs: one("session-ttl"),
    allowPaths: all("allow-path"),
    maxStoreBytes: one("max-store-bytes"),
    maxOpenSessions: one("max-open-sessions"),
    maxUnfinishedBytes: one("max-unfinished-bytes"),
    stdio,
    http,
    logLevel: one("log-level"),
  });
}

/** @throws ConfigError if other machines could connect, and nobody has chosen a token */
function httpConfig({ all, one }: OptionValues): HttpConfig | undefined {
  // All four are read before HTTP is found to be off: a wrong value is always refused.
  const [address, token, origins, publicUrl] = [one("http"), one("http-token"), all("http-origin"), one("http-url")];
  if (address === undefined) return undefined;
  const { host, port } = address;
  if (token === undefined && !isLoopback(host)) {
    throw new ConfigError(
      `--http ${host}:${port} is open to other machines: give a token of your own with ARTIFACTS_HTTP_TOKEN, or listen on 127.0.0.1`,
    );
  }
  return { host, port, token, origins, publicUrl };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
