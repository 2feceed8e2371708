import { homedir, userInfo } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import {
  defaultKeepVersions,
  defaultMaxChunkBytes,
  defaultMaxOpenSessions,
  largestKeepVersions,
  largestMaxChunkBytes,
  largestSessionTtlMs,
  smallestSessionTtlMs,
} from "../store/model/limits.js";

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
  if (text !== "" && !text.includes("\0")) return absolutePath(text);
  context.addIssue("a directory's path");
  return z.NEVER;
});

/** This user's home directory, that of the passwd entry where HOME names none. @throws ConfigError */
export function homeFolder(): string {
  const found = [homedir, () => userInfo().homedir].map((find) => {
    try {
      return find();
    } catch {
      return ""; // neither HOME nor a passwd entry
    }
  });
  const home = found.find((path) => isAbsolute(path));
  if (home === undefined) throw new ConfigError("this user has no home directory: give --root DIR, an absolute path");
  return home;
}

/** A host's configuration sees no shell that would know `~`. @throws ConfigError */
export function absolutePath(path: string): string {
  const [, name] = /^~([^/]*)/.exec(path) ?? [];
  if (name === "") return join(homeFolder(), path.slice(1));
  if (name !== undefined) {
    // It would be one more directory, of that name, wherever the server is started.
    throw new ConfigError(
      `${JSON.stringify(path)} is not known as the home directory of ${JSON.stringify(name)}: give an absolute path, or ./${path}`,
    );
  }
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
export const settings = {
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

export type Setting = keyof typeof settings;
export const settingNames = Object.keys(settings) as Setting[];

/** A host that installs bundles leaves nothing, or the name of a setting, in place of a value that nobody has given. */
export const isUnfilled = (text: string): boolean => /^(?:\$\{user_config\.\w+\})?$/.test(text);

/** The environment variable of a setting. */
export const variableOf = (name: Setting): string => `ARTIFACTS_${name.toUpperCase().replaceAll("-", "_")}`;

/** Whether a setting is a directory, whose relative path depends on where the command was started. */
export const isDirectory = (name: Setting): boolean => settings[name].schema === directory;

/** Options by name, with what was given to each, in order. */
export type Given = ReadonlyMap<string, readonly string[]>;

export interface Values {
  all<Name extends Setting>(name: Name): Value<Name>[];
  /** The last that was given. */
  one<Name extends Setting>(name: Name): Value<Name> | undefined;
}

/** What was given, on the command line or else in the environment. @throws ConfigError from both, for what is wrong */
export function valuesOf(given: Given, environment: NodeJS.ProcessEnv): Values {
  function all<Name extends Setting>(name: Name): Value<Name>[] {
    const fromFlags = given.get(name);
    if (fromFlags !== undefined) return fromFlags.map((text) => parsedValue(name, `--${name}`, text));
    const text = environment[variableOf(name)] ?? "";
    const setting = settings[name];
    const texts = "separator" in setting ? text.split(setting.separator) : [text];
    return texts.filter((part) => !isUnfilled(part)).map((part) => parsedValue(name, variableOf(name), part));
  }
  return { all, one: (name) => all(name).at(-1) };
}

type Value<Name extends Setting> = z.output<(typeof settings)[Name]["schema"]>;

/** @throws ConfigError */
function parsedValue<Name extends Setting>(name: Name, source: string, text: string): Value<Name> {
  const parsed = settings[name].schema.safeParse(text);
  if (parsed.success) return parsed.data as Value<Name>;
  const is = name === "http-token" ? "" : `, not ${JSON.stringify(text)}`; // a secret is told to nobody
  throw new ConfigError(`${source} must be ${parsed.error.issues[0]?.message}${is}`);
}
