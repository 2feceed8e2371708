import { delimiter } from "node:path";
import {
  defaultKeepVersions,
  defaultMaxChunkBytes,
  defaultMaxOpenSessions,
  defaultSessionTtlMs,
  largestKeepVersions,
  largestMaxChunkBytes,
  maxBucketChars,
} from "../../store/model/limits.js";
import { LOG_LEVELS } from "../../store/ports/log.js";
import { type CommandName, commandWords, storeCommandNames } from "./command-names.js";
import type { Option } from "./option.js";
import { storeOptions } from "./store-options.js";
import {
  address,
  bucketPrefix,
  directory,
  duration,
  entryName,
  flag,
  oneOf,
  origin,
  publicUrl,
  token,
  wholeNumber,
} from "./value-parsers.js";

/*
 * The one table of options. The command line, the environment variables, the defaults, `--help` and docs/options.md are
 * made from it. To add an option: add a row here, read it where it is used, and run `npm run docs`.
 */

const unlimited = Number.MAX_SAFE_INTEGER;
const anyBytes = wholeNumber(1, unlimited);
const everyCommand: readonly CommandName[] = ["serve", ...commandWords];
const onStore: readonly CommandName[] = everyCommand.filter((name) => name !== "completion");
const server: readonly CommandName[] = ["serve", "setup"];
/** The others are about the whole store, and name buckets in full. */
const inBuckets: readonly CommandName[] = storeCommandNames.filter(
  (name) => !["bucket", "backup", "restore"].includes(name),
);

export const optionTable = {
  root: {
    commands: onStore,
    group: "Data",
    value: "DIR",
    help: "data directory",
    details:
      "The server makes the directory if it does not exist. The parent of a directory that you name must exist. Any number of servers on one machine may share the directory. The default is `$XDG_DATA_HOME/artifacts-mcp` or `~/.local/share/artifacts-mcp` on Linux, `~/Library/Application Support/artifacts-mcp` on macOS, and `%LOCALAPPDATA%\\artifacts-mcp` on Windows.",
    parser: directory,
    defaultText: "artifacts-mcp in the platform's folder for a user's data",
    example: "--root ~/artifacts",
  },
  ephemeral: {
    commands: server,
    group: "Data",
    help: "keep the store in a temporary directory, which goes at the end",
    details:
      "The directory is in the system's folder for temporary files (`TMPDIR` names another one), and only the user can reach it. It is removed when the server ends: after the end of stdin, SIGTERM, SIGINT or SIGHUP, and if the start fails. The next server with this option removes what a killed one has left. `--root` cannot be given with it. The environment variable takes `true` or `false`.",
    parser: flag,
    default: false,
  },
  "keep-to": {
    commands: server,
    group: "Data",
    value: "DIR",
    help: "with --ephemeral: export the store to DIR before it goes",
    details:
      "As `export` does. DIR is made, is empty, or has an earlier export, which is replaced; this is checked at the start. A run that has saved no artifact leaves an earlier export as it is. If the export fails, or another server has exported to DIR since the start, the store is kept, stderr says where, and the exit code is 1. The store of a server that was killed before it could export is kept too, and the next start with `--ephemeral` says where.",
    parser: directory,
    defaultText: "none",
    example: "--ephemeral --keep-to results/sample-17",
  },
  "read-only": {
    commands: server,
    group: "Data",
    help: "offer only the tools that read",
    details:
      "The store must exist. Over HTTP, requests that write are refused. The environment variable takes `true` or `false`.",
    parser: flag,
    default: false,
  },
  "bucket-prefix": {
    commands: [...server, ...inBuckets],
    group: "Data",
    value: "PREFIX",
    help: "add this to the name of every bucket, and show no other buckets",
    details: `Clients know buckets by the rest of their names: with \`run7-\`, what they save to \`results\` is in the bucket \`run7-results\` of the store, and no other bucket exists for them. Servers with different prefixes can share one data directory; take prefixes none of which begins with another one. A prefix is 1 to ${maxBucketChars - 1} characters with which a bucket's name can begin, and prefix and name together have ${maxBucketChars} characters at most. Limits such as \`--max-store-bytes\`, the expiry of content and the log are about the whole store, so a client can get \`storage_full\` because of what others have stored. Commands on artifacts obey the same prefix; \`bucket\`, \`backup\`, \`restore\` and \`verify\` ignore it and name buckets in full.`,
    parser: bucketPrefix,
    default: "",
    defaultText: "none",
    example: "--bucket-prefix run7-",
  },
  "keep-versions": {
    commands: server,
    group: "Data",
    value: "N",
    help: "versions that are kept of each key",
    details: `From 1 to ${largestKeepVersions}. When a key has more versions, the oldest is removed.`,
    unit: "versions",
    parser: wholeNumber(1, largestKeepVersions),
    default: defaultKeepVersions,
    defaultText: String(defaultKeepVersions),
    example: "--keep-versions 10",
  },
  "session-ttl": {
    commands: server,
    group: "Data",
    value: "DURATION",
    help: "how long an unfinished upload is kept after its last byte",
    details: "From `1s` to `365d`.",
    unit: "a whole number with `s`, `m`, `h` or `d`",
    parser: duration,
    default: defaultSessionTtlMs,
    defaultText: `${defaultSessionTtlMs / 86_400_000}d`,
    example: "--session-ttl 12h",
  },
  "max-artifact-bytes": {
    commands: server,
    group: "Limits",
    value: "N",
    help: "largest size of one artifact",
    details: "Content that is larger is refused with `too_large`.",
    unit: "bytes",
    parser: anyBytes,
    default: unlimited,
    defaultText: "unlimited",
    example: "--max-artifact-bytes 1073741824",
  },
  "max-chunk-bytes": {
    commands: server,
    group: "Limits",
    value: "N",
    help: "largest content of one tool call",
    details: `From 1 to ${largestMaxChunkBytes} (32 MiB); the default is 8 MiB. A model that has more content uploads it in several calls.`,
    unit: "bytes",
    parser: wholeNumber(1, largestMaxChunkBytes),
    default: defaultMaxChunkBytes,
    defaultText: String(defaultMaxChunkBytes),
    example: "--max-chunk-bytes 1048576",
  },
  "max-store-bytes": {
    commands: server,
    group: "Limits",
    value: "N",
    help: "largest size of all content together",
    details: "Unfinished uploads count too. A call that would go past it is refused with `storage_full`.",
    unit: "bytes",
    parser: anyBytes,
    default: unlimited,
    defaultText: "unlimited",
    example: "--max-store-bytes 107374182400",
  },
  "max-open-sessions": {
    commands: server,
    group: "Limits",
    value: "N",
    help: "largest number of unfinished uploads",
    details: "From 1 to 1000000. One upload more is refused with `storage_full`.",
    unit: "uploads",
    parser: wholeNumber(1, 1_000_000),
    default: defaultMaxOpenSessions,
    defaultText: String(defaultMaxOpenSessions),
    example: "--max-open-sessions 50",
  },
  "max-unfinished-bytes": {
    commands: server,
    group: "Limits",
    value: "N",
    help: "largest size of all unfinished uploads together",
    details: "A call that would go past it is refused with `storage_full`.",
    unit: "bytes",
    parser: anyBytes,
    default: unlimited,
    defaultText: "unlimited",
    example: "--max-unfinished-bytes 10737418240",
  },
  "allow-path": {
    commands: server,
    group: "Local files",
    value: "DIR",
    help: "directory that import_file and export_file may reach; repeatable",
    details:
      "An argument that contains a slash, or begins with `~` or a dot, means the same: `artifacts-mcp ~/datasets`. Symlinks are followed first. If no directory is allowed, the two tools are not offered. A directory that does not exist allows nothing, and the server warns about it. The environment variable separates several directories as `PATH` does.",
    parser: directory,
    defaultText: "none",
    separator: delimiter,
    example: "--allow-path ~/datasets --allow-path /tmp/results",
  },
  http: {
    commands: server,
    group: "HTTP",
    value: "HOST:PORT",
    help: "listen for HTTP too; port 0 means any free port",
    details:
      "If the address is in use, the server goes on over stdio without HTTP; with `--no-stdio` it ends with exit code 1. If other machines can reach the address, a token is required.",
    parser: address,
    defaultText: "off",
    example: "--http 127.0.0.1:8080",
  },
  "no-stdio": {
    commands: server,
    group: "HTTP",
    help: "serve HTTP only, as a service",
    details: "It needs `--http`. The environment variable takes `true` or `false`.",
    parser: flag,
    default: false,
    refusedBySetup: "a host speaks to the server over stdio",
  },
  "http-token": {
    commands: server,
    group: "HTTP",
    value: "TOKEN",
    help: "token that HTTP clients must send",
    details:
      "16 to 512 visible ASCII characters without spaces. Other users of the machine can see a command line, so give the token in the environment variable.",
    parser: token,
    defaultText: "made at each start and printed on stderr",
    example: "ARTIFACTS_HTTP_TOKEN=$(openssl rand -hex 16)",
    refusedBySetup:
      "everybody who can read the host's file would see it: give it as ARTIFACTS_HTTP_TOKEN in the entry's environment",
  },
  "http-url": {
    commands: server,
    group: "HTTP",
    value: "URL",
    help: "URL at which clients reach the server, if a proxy is in front of it",
    details: "The URLs that the server gives out begin with it.",
    parser: publicUrl,
    defaultText: "the address of `--http`",
    example: "--http-url https://artifacts.example.com",
  },
  "http-origin": {
    commands: server,
    group: "HTTP",
    value: "ORIGIN",
    help: "origin of web pages that may use HTTP; repeatable",
    details: "The environment variable separates several origins by `,`.",
    parser: origin,
    defaultText: "none",
    separator: ",",
    example: "--http-origin https://app.example.com",
  },
  "log-level": {
    commands: ["serve", "setup", "verify", ...storeCommandNames],
    group: "Log",
    value: "LEVEL",
    help: "least level that is logged: debug, info, warn or error",
    details:
      "Logs go to stderr, one line an event. If stderr fails, logging ends and the server goes on. Commands on artifacts log from `warn` on, unless the option is given.",
    values: LOG_LEVELS,
    parser: oneOf(LOG_LEVELS),
    default: "info",
    defaultText: "info",
    example: "--log-level warn",
  },
  repair: {
    commands: ["verify"],
    group: "Options of verify",
    help: "move orphans and unreadable rows into the folder orphans, and free what crashes left",
    details: "It removes nothing that a row names.",
  },
  compact: {
    commands: ["verify"],
    group: "Options of verify",
    help: "give the free space in the database back to the file system, after the check",
    details: "Servers may run meanwhile. A database that is damaged is left as it is.",
  },
  ...storeOptions,
  write: {
    commands: ["setup"],
    group: "Options of setup",
    help: "write the entry into the host's configuration; a copy of the file is kept",
  },
  remove: { commands: ["setup"], group: "Options of setup", help: "take the entry out again" },
  name: {
    commands: ["setup"],
    group: "Options of setup",
    value: "NAME",
    help: "name of this server in the host's configuration",
    details: '1 to 40 letters, digits, "-" or "_".',
    parser: entryName,
    default: "artifacts",
    defaultText: "artifacts",
    hasNoVariable: true,
  },
  version: { commands: everyCommand, group: "Options of every command", help: "print the version" },
  verbose: {
    commands: everyCommand,
    group: "Options of every command",
    help: "with --version: print the versions of Node and SQLite too",
  },
  help: { commands: everyCommand, group: "Options of every command", short: "h", help: "print the help" },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof optionTable;
export const optionNames = Object.keys(optionTable) as OptionName[];

/** The same table, without the literal types of its rows. */
export const options: Readonly<Record<OptionName, Option>> = optionTable;

/** The options that the server itself takes: `setup` hands them on to it. */
export const serverOptionNames = optionNames.filter(isServerOption);

export function isOption(name: string): name is OptionName {
  return Object.hasOwn(optionTable, name);
}

export function isServerOption(name: string): boolean {
  return isOption(name) && options[name].parser !== undefined && options[name].commands.includes("serve");
}

/** Returns an option's environment variable. Returns undefined if it has none. */
export function variableOf(name: OptionName): string | undefined {
  const { parser, hasNoVariable } = options[name];
  if (parser === undefined || hasNoVariable) return undefined;
  return `ARTIFACTS_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** Whether an option is a directory: the meaning of a relative path depends on where the command was started. */
export function isDirectory(name: OptionName): boolean {
  return options[name].parser === directory;
}
