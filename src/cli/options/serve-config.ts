import { isIPv4 } from "node:net";
import type { LogLevel } from "../../store/ports/log.js";
import { ConfigError } from "./config-error.js";
import { type GivenOptions, type OptionValues, optionValues } from "./option-values.js";
import { type StoreConfig, storeConfig } from "./store-config.js";

/** What a server needs to know, frozen. Its fields have the values of the options with the same names. */
export interface ServeConfig extends StoreConfig {
  /** Directories that import_file and export_file may reach, absolute. */
  readonly allowPaths: readonly string[];
  /** The store is in a temporary directory that goes at the end. `root` is not used then. */
  readonly ephemeral: boolean;
  /** Where an ephemeral store is exported at the end, absolute. */
  readonly keepTo: string | undefined;
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
  const store = storeConfig(values, environment);
  const [ephemeral, keepTo] = [one("ephemeral"), one("keep-to")];
  checkEphemeral(store, ephemeral, keepTo);
  return Object.freeze({
    ...store,
    ephemeral,
    keepTo,
    allowPaths: all("allow-path"),
    stdio,
    http,
    logLevel: one("log-level"),
  });
}

/** @throws ConfigError */
function checkEphemeral(store: StoreConfig, ephemeral: boolean, keepTo: string | undefined): void {
  if (!ephemeral && keepTo !== undefined) throw new ConfigError("--keep-to exports a store of --ephemeral: give both");
  if (!ephemeral) return;
  if (store.isRootNamed) {
    const root = JSON.stringify(store.root);
    throw new ConfigError(
      `--ephemeral makes a data directory of its own: leave out --root (ARTIFACTS_ROOT), which is ${root}`,
    );
  }
  if (store.readOnly) throw new ConfigError("--ephemeral makes an empty store, and --read-only could never fill it");
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
