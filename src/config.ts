import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import {
  defaultKeepVersions,
  defaultMaxChunkBytes,
  defaultSessionTtlMs,
  largestKeepVersions,
  largestMaxChunkBytes,
  largestSessionTtlMs,
  smallestSessionTtlMs,
} from "./store/limits.js";

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
  readonly logLevel: "debug" | "info" | "warn" | "error";
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

const root = z.string().transform((text, context) => {
  if (text !== "" && !text.includes("\0")) return resolve(text);
  context.addIssue("a directory's path");
  return z.NEVER;
});

/** Every setting: how it reads on the command line, its help, and what it takes. */
const settings = {
  root: { value: "DIR", help: "data directory; its parent must exist", schema: root },
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
  "log-level": { value: "LEVEL", help: "debug, info, warn or error; info by default", schema: logLevel },
} as const;

type Setting = keyof typeof settings;
const names = Object.keys(settings) as Setting[];
const variableOf = (name: Setting): string => `ARTIFACTS_${name.toUpperCase().replaceAll("-", "_")}`;

export const usage = `artifacts-mcp: an artifact store for AI agents, over the Model Context Protocol on stdio

Usage: artifacts-mcp [options]

${names.map((name) => `  ${flagOf(name).padEnd(28)} ${settings[name].help}\n`).join("")}\
  ${"--version".padEnd(28)} print the version
  ${"--help".padEnd(28)} print this

Each option is also an environment variable: --session-ttl is ${variableOf("session-ttl")}.
The default data directory is the platform's, such as ~/.local/share/artifacts-mcp.
`;

function flagOf(name: Setting): string {
  const setting = settings[name];
  return "value" in setting ? `--${name} ${setting.value}` : `--${name}`;
}

export type Command =
  | { readonly kind: "serve"; readonly config: Config }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

/** @throws ConfigError */
export function readCommand(args: readonly string[], environment: NodeJS.ProcessEnv): Command {
  const given = readArguments(args);
  if (given.has("help")) return { kind: "help" };
  if (given.has("version")) return { kind: "version" };

  function setting<Name extends Setting>(name: Name): z.output<(typeof settings)[Name]["schema"]> | undefined {
    const fromFlag = given.get(name);
    const text = fromFlag ?? environment[variableOf(name)];
    if (text === undefined || (fromFlag === undefined && text === "")) return undefined;
    const parsed = settings[name].schema.safeParse(text);
    if (parsed.success) return parsed.data as z.output<(typeof settings)[Name]["schema"]>;
    const source = fromFlag === undefined ? variableOf(name) : `--${name}`;
    throw new ConfigError(`${source} must be ${parsed.error.issues[0]?.message}, not ${JSON.stringify(text)}`);
  }

  const named = setting("root");
  const config: Config = Object.freeze({
    root: named ?? defaultRoot(environment),
    isRootNamed: named !== undefined,
    readOnly: setting("read-only") ?? false,
    maxArtifactBytes: setting("max-artifact-bytes") ?? Number.MAX_SAFE_INTEGER,
    maxChunkBytes: setting("max-chunk-bytes") ?? defaultMaxChunkBytes,
    keepVersions: setting("keep-versions") ?? defaultKeepVersions,
    sessionTtlMs: setting("session-ttl") ?? defaultSessionTtlMs,
    logLevel: setting("log-level") ?? "info",
  });
  return { kind: "serve", config };
}

/** Options by name, as text. @throws ConfigError */
function readArguments(args: readonly string[]): Map<string, string> {
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true, options: optionTypes() });
  const given = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind !== "option") {
      const what = token.kind === "positional" ? token.value : "--";
      throw new ConfigError(`unexpected argument ${JSON.stringify(what)}: only options are allowed, see --help`);
    }
    given.set(token.name, optionValue(token));
  }
  return given;
}

function optionTypes(): Record<string, { type: "string" | "boolean" }> {
  const types = names.map((name) => [name, { type: "value" in settings[name] ? "string" : "boolean" }]);
  return { ...Object.fromEntries(types), help: { type: "boolean" }, version: { type: "boolean" } };
}

/** @throws ConfigError */
function optionValue({ name, rawName, value }: { name: string; rawName: string; value?: string | undefined }): string {
  if (rawName !== `--${name}` || !(name in optionTypes())) {
    const allowed = [...names, "version", "help"].map((known) => `--${known}`).join(" ");
    throw new ConfigError(`unknown option ${rawName}: allowed are ${allowed}`);
  }
  const setting = name in settings ? settings[name as Setting] : undefined;
  if (setting === undefined || !("value" in setting)) return value ?? "true";
  if (value === undefined || value.startsWith("--")) throw new ConfigError(`--${name} needs a value: ${setting.help}`);
  return value;
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
