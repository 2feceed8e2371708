import { isIPv4 } from "node:net";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import {
  defaultKeepVersions,
  defaultMaxChunkBytes,
  defaultMaxOpenSessions,
  defaultSessionTtlMs,
  largestKeepVersions,
  largestMaxChunkBytes,
  largestSessionTtlMs,
  smallestSessionTtlMs,
} from "./store/limits.js";
import type { LogLevel } from "./store/log.js";

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

/** What a check of the whole store was asked to do, frozen. */
export interface VerifyConfig {
  readonly root: string;
  readonly repair: boolean;
  readonly json: boolean;
  readonly logLevel: LogLevel;
}

/** A flag or environment variable that is wrong; the message is one line that names it and what is allowed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function wholeNumber(least: number, most: number) {
  const what = `a whole number from ${least} to ${most}`;
  return z.string().transform((text, context) => {
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    context.addIssue(what);
    return z.NEVER;
  });
}

const duration = z.string().transform((text, context) => {
  const [, digits, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = Number(digits) * unitMs[(unit ?? "s") as keyof typeof unitMs];
  if (ms >= smallestSessionTtlMs && ms <= largestSessionTtlMs) return ms;
  context.addIssue("a duration from 1s to 365d, like 30s, 15m, 12h or 7d");
  return z.NEVER;
});

const flag = z.string().transform((text, context) => {
  if (["true", "1", "yes", ""].includes(text.toLowerCase())) return true;
  if (["false", "0", "no"].includes(text.toLowerCase())) return false;
  context.addIssue("true or false");
  return z.NEVER;
});

const logLevel = z.string().transform((text, context) => {
  if (text === "debug" || text === "info" || text === "warn" || text === "error") return text;
  context.addIssue("one of debug, info, warn, error");
  return z.NEVER;
});

const directory = z.string().transform((text, context) => {
  if (text !== "" && !text.includes("\0")) return absolute(text);
  context.addIssue("a directory's path");
  return z.NEVER;
});

/** A host's configuration sees no shell that would know `~`. @throws ConfigError */
function absolute(path: string): string {
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  try {
    return resolve(path);
  } catch {
    throw new ConfigError(
      `the current directory is gone, so ${JSON.stringify(path)} leads nowhere: give absolute paths`,
    );
  }
}

const address = z.string().transform((text, context) => {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  context.addIssue("HOST:PORT, like 127.0.0.1:8080, or with port 0 for any that is free");
  return z.NEVER;
});

const token = z.string().transform((text, context) => {
  if (/^[\x21-\x7e]{16,512}$/.test(text)) return text;
  context.addIssue("at least 16 visible ASCII characters without spaces");
  return z.NEVER;
});

const origin = z.string().transform((text, context) => {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  context.addIssue("the origin of web pages, like https://app.example.com");
  return z.NEVER;
});

const publicUrl = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "") return text.replace(/\/+$/, "");
  context.addIssue("a URL, like https://artifacts.example.com");
  return z.NEVER;
});

/** Every setting: how it reads on the command line, its help, and what it takes. */
const settings = {
  root: { value: "DIR", help: "data directory; its parent must exist", schema: directory },
  "read-only": { help: "offer only the tools that read", schema: flag },
  "max-artifact-bytes": {
    value: "N",
    help: "largest artifact in bytes; unlimited by default",
    schema: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  },
  "max-chunk-bytes": {
    value: "N",
    help: `largest content of one call in bytes; ${defaultMaxChunkBytes} by default`,
    schema: wholeNumber(1, largestMaxChunkBytes),
  },
  "keep-versions": {
    value: "N",
    help: `versions kept of each key; ${defaultKeepVersions} by default`,
    schema: wholeNumber(1, largestKeepVersions),
  },
  "session-ttl": {
    value: "DURATION",
    help: "life of an unfinished upload after its last byte; 7d by default",
    schema: duration,
  },
  "allow-path": {
    value: "DIR",
    help: "directory that import_file and export_file may reach; repeatable",
    separator: delimiter,
    schema: directory,
  },
  "max-store-bytes": {
    value: "N",
    help: "bytes of all content together; unlimited by default",
    schema: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  },
  "max-open-sessions": {
    value: "N",
    help: `unfinished uploads at a time; ${defaultMaxOpenSessions} by default`,
    schema: wholeNumber(1, 1_000_000),
  },
  "max-unfinished-bytes": {
    value: "N",
    help: "bytes of all unfinished uploads together; unlimited by default",
    schema: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  },
  http: { value: "HOST:PORT", help: "listen for HTTP too; port 0 for any that is free", schema: address },
  "no-stdio": { help: "HTTP alone, as a service", schema: flag },
  "http-token": {
    value: "TOKEN",
    help: "what HTTP clients must send; one is made and printed by default. Better in the environment",
    schema: token,
  },
  "http-origin": {
    value: "ORIGIN",
    help: "web pages that may use HTTP, like https://app.example.com; repeatable",
    separator: ",",
    schema: origin,
  },
  "http-url": { value: "URL", help: "where HTTP clients reach the server, if that is elsewhere", schema: publicUrl },
  "log-level": { value: "LEVEL", help: "debug, info, warn or error; info by default", schema: logLevel },
} as const;

/** What only the check of the whole store takes, and only on the command line: nobody repairs by accident. */
const verifyFlags = {
  repair: { help: "move orphans and rows that cannot be read into the folder orphans, free what crashes left" },
  json: { help: "print the report as JSON" },
} as const;

type Setting = keyof typeof settings;
const names = Object.keys(settings) as Setting[];
const verifyNames = ["root", "log-level"] as const satisfies readonly Setting[];
const variableOf = (name: Setting): string => `ARTIFACTS_${name.toUpperCase().replaceAll("-", "_")}`;

export const usage = `artifacts-mcp: an artifact store for AI agents, over the Model Context Protocol and HTTP

Usage: artifacts-mcp [options]
       artifacts-mcp verify [--root DIR] [--repair] [--json]

${names.map((name) => `  ${flagOf(name).padEnd(28)} ${settings[name].help}\n`).join("")}\
  ${"--version".padEnd(28)} print the version
  ${"--help".padEnd(28)} print this

verify checks every row and every byte of the store, while servers may run; it exits with 0 where all is well, 1 where
there are faults, 2 where it could not run.
${Object.entries(verifyFlags)
  .map(([name, { help }]) => `  ${`--${name}`.padEnd(28)} ${help}\n`)
  .join("")}
Each option but --version, --help and those of verify is also an environment variable: --session-ttl is
${variableOf("session-ttl")}. Several directories in ${variableOf("allow-path")} are separated by "${delimiter}", several
origins in ${variableOf("http-origin")} by ",". A directory may begin with ~/.
The default data directory is the platform's, such as ~/.local/share/artifacts-mcp.
`;

function flagOf(name: Setting): string {
  const setting = settings[name];
  return "value" in setting ? `--${name} ${setting.value}` : `--${name}`;
}

export type Command =
  | { readonly kind: "serve"; readonly config: Config }
  | { readonly kind: "verify"; readonly config: VerifyConfig }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

/** @throws ConfigError */
export function readCommand(args: readonly string[], environment: NodeJS.ProcessEnv): Command {
  const isVerify = args[0] === "verify";
  const given = isVerify
    ? readArguments(args.slice(1), [...verifyNames, ...Object.keys(verifyFlags)])
    : readArguments(args, names);
  if (given.has("help")) return { kind: "help" };
  if (given.has("version")) return { kind: "version" };

  const values = valuesOf(given, environment);
  const common: Pick<Config, "root" | "logLevel"> = {
    root: values.one("root") ?? defaultRoot(environment),
    logLevel: values.one("log-level") ?? "info",
  };
  if (isVerify) {
    const config = { ...common, repair: given.has("repair"), json: given.has("json") };
    return { kind: "verify", config: Object.freeze(config) };
  }
  return { kind: "serve", config: Object.freeze({ ...common, ...serveConfig(values) }) };
}

interface Values {
  all<Name extends Setting>(name: Name): Value<Name>[];
  /** The last that was given. */
  one<Name extends Setting>(name: Name): Value<Name> | undefined;
}

/** What was given, on the command line or else in the environment. @throws ConfigError from both, for what is wrong */
function valuesOf(given: ReadonlyMap<string, readonly string[]>, environment: NodeJS.ProcessEnv): Values {
  function all<Name extends Setting>(name: Name): Value<Name>[] {
    const fromFlags = given.get(name);
    if (fromFlags !== undefined) return fromFlags.map((text) => parsedValue(name, `--${name}`, text));
    const text = environment[variableOf(name)] ?? "";
    const setting = settings[name];
    const texts = "separator" in setting ? text.split(setting.separator) : [text];
    return texts.filter((part) => part !== "").map((part) => parsedValue(name, variableOf(name), part));
  }
  return { all, one: (name) => all(name).at(-1) };
}

/** @throws ConfigError */
function serveConfig({ all, one }: Values): Omit<Config, "root" | "logLevel"> {
  const http = httpConfig({ all, one });
  const stdio = !(one("no-stdio") ?? false);
  if (!stdio && http === undefined) {
    throw new ConfigError("--no-stdio leaves nothing to serve: give --http HOST:PORT with it");
  }
  return {
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
  };
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

type Value<Name extends Setting> = z.output<(typeof settings)[Name]["schema"]>;

/** @throws ConfigError */
function parsedValue<Name extends Setting>(name: Name, source: string, text: string): Value<Name> {
  const parsed = settings[name].schema.safeParse(text);
  if (parsed.success) return parsed.data as Value<Name>;
  const is = name === "http-token" ? "" : `, not ${JSON.stringify(text)}`; // a secret is told to nobody
  throw new ConfigError(`${source} must be ${parsed.error.issues[0]?.message}${is}`);
}

/** Options by name, with what was given to each, in order. @throws ConfigError */
function readArguments(args: readonly string[], allowed: readonly string[]): Map<string, string[]> {
  const options = Object.fromEntries([...allowed, "help", "version"].map((name) => [name, { type: typeOf(name) }]));
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true, options });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== "option") {
      const what = token.kind === "positional" ? token.value : "--";
      throw new ConfigError(`unexpected argument ${JSON.stringify(what)}: only options are allowed, see --help`);
    }
    if (token.rawName !== `--${token.name}` || !(token.name in options)) {
      const known = [...allowed, "version", "help"].map((name) => `--${name}`).join(" ");
      throw new ConfigError(`unknown option ${token.rawName}: allowed are ${known}`);
    }
    given.set(token.name, [...(given.get(token.name) ?? []), optionValue(token.name, token.value)]);
  }
  return given;
}

function typeOf(name: string): "string" | "boolean" {
  return name in settings && "value" in settings[name as Setting] ? "string" : "boolean";
}

/** @throws ConfigError */
function optionValue(name: string, value: string | undefined): string {
  if (typeOf(name) === "boolean") return value ?? "true";
  if (value !== undefined && !value.startsWith("--")) return value;
  throw new ConfigError(`--${name} needs a value: ${settings[name as Setting].help}`);
}

function defaultRoot(environment: NodeJS.ProcessEnv): string {
  return join(dataHome(environment), "artifacts-mcp");
}

/** Where a program keeps a person's data: XDG base directories and their like on other platforms. */
function dataHome(environment: NodeJS.ProcessEnv): string {
  switch (process.platform) {
    case "darwin":
      return join(homedir(), "Library", "Application Support");
    case "win32":
      return environment["LOCALAPPDATA"] || join(homedir(), "AppData", "Local");
    default: {
      const given = environment["XDG_DATA_HOME"];
      // The specification has a relative path ignored.
      return given?.startsWith("/") ? given : join(homedir(), ".local", "share");
    }
  }
}

/** @throws ConfigError */
export function commandOfThisProcess(): Command {
  return readCommand(process.argv.slice(2), process.env);
}
