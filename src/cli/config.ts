import { isIPv4 } from "node:net";
import { join } from "node:path";
import {
  defaultKeepVersions,
  defaultMaxChunkBytes,
  defaultMaxOpenSessions,
  defaultSessionTtlMs,
} from "../store/model/limits.js";
import type { LogLevel } from "../store/ports/log.js";
import { ConfigError, type Given, homeFolder, type Values, valuesOf, variableOf } from "./settings.js";

/** What the command was asked to do, frozen. Bytes are bytes, times milliseconds. */
export interface Config {
  /** Absolute path of the data directory. */
  readonly root: string;
  /** The person chose the root, so its parent must exist. */
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
  /** The Model Context Protocol on stdin and stdout. */
  readonly stdio: boolean;
  readonly http: HttpConfig | undefined;
  readonly logLevel: LogLevel;
}

export interface HttpConfig {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Left out, one is made at the start. */
  readonly token: string | undefined;
  /** Web pages that may use it. */
  readonly origins: readonly string[];
  /** Where clients reach it, if that is elsewhere; no slash at its end. */
  readonly publicUrl: string | undefined;
}

/** @throws ConfigError */
export function serveConfig(given: Given, environment: NodeJS.ProcessEnv): Config {
  const values = valuesOf(given, environment);
  const { all, one } = values;
  const http = httpConfig({ all, one });
  const stdio = !(one("no-stdio") ?? false);
  if (!stdio && http === undefined) {
    throw new ConfigError("--no-stdio leaves nothing to serve: give --http HOST:PORT with it");
  }
  return Object.freeze({
    ...commonConfig(values, environment),
    isRootNamed: all("root").length > 0,
    readOnly: one("read-only") ?? false,
    maxArtifactBytes: one("max-artifact-bytes") ?? Number.MAX_SAFE_INTEGER,
    maxChunkBytes: one("max-chunk-bytes") ?? defaultMaxChunkBytes,
    keepVersions: one("keep-versions") ?? defaultKeepVersions,
    sessionTtlMs: one("session-ttl") ?? defaultSessionTtlMs,
    allowPaths: all("allow-path"),
    maxStoreBytes: one("max-store-bytes") ?? Number.MAX_SAFE_INTEGER,
    maxOpenSessions: one("max-open-sessions") ?? defaultMaxOpenSessions,
    maxUnfinishedBytes: one("max-unfinished-bytes") ?? Number.MAX_SAFE_INTEGER,
    stdio,
    http,
  });
}

/** @throws ConfigError where a token that nobody chose would be all that keeps others out */
function httpConfig({ all, one }: Values): HttpConfig | undefined {
  const at = one("http");
  const given = one("http-token");
  const [origins, publicUrl] = [all("http-origin"), one("http-url")];
  if (at === undefined) return undefined;
  if (given === undefined && !isLoopback(at.host)) {
    throw new ConfigError(
      `--http ${at.host}:${at.port} is open to other machines: give a token of your own with ${variableOf("http-token")}, or listen on 127.0.0.1`,
    );
  }
  return { ...at, token: given, origins, publicUrl };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/** What serving and checking have in common. @throws ConfigError */
export function commonConfig(values: Values, environment: NodeJS.ProcessEnv): Pick<Config, "root" | "logLevel"> {
  return { root: values.one("root") ?? defaultRoot(environment), logLevel: values.one("log-level") ?? "info" };
}

function defaultRoot(environment: NodeJS.ProcessEnv): string {
  return join(dataHome(environment), "artifacts-mcp");
}

/** Where a program keeps a person's data: XDG base directories and their like on other platforms. */
function dataHome(environment: NodeJS.ProcessEnv): string {
  switch (process.platform) {
    case "darwin":
      return join(homeFolder(), "Library", "Application Support");
    case "win32":
      return environment["LOCALAPPDATA"] || join(homeFolder(), "AppData", "Local");
    default: {
      const given = environment["XDG_DATA_HOME"];
      // The specification has a relative path ignored.
      return given?.startsWith("/") ? given : join(homeFolder(), ".local", "share");
    }
  }
}
