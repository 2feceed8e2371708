import { delimiter } from "node:path";
import { parseArgs } from "node:util";
import type { LogLevel } from "../store/ports/log.js";
import { type Config, commonConfig, serveConfig } from "./config.js";
import {
  absolutePath,
  ConfigError,
  type Given,
  isDirectory,
  isUnfilled,
  type Setting,
  settingNames,
  settings,
  valuesOf,
  variableOf,
} from "./settings.js";

/** What a check of the whole store was asked to do, frozen. */
export interface VerifyConfig {
  readonly root: string;
  readonly repair: boolean;
  readonly json: boolean;
  readonly logLevel: LogLevel;
}

/** What the configuration of a host is to be made of, frozen. */
export interface SetupConfig {
  /** As it was typed; undefined if none was. */
  readonly host: string | undefined;
  /** What the host calls this server. */
  readonly name: string;
  /** What the host is to start the server with, checked; empty if no option was given. */
  readonly serverArguments: readonly string[];
  /** What a new entry has where no option was given: hosts do not hand on the variable that names the data directory. */
  readonly defaultArguments: readonly string[];
  /** Directories that the server would get by them, absolute. */
  readonly directories: { readonly root: string | undefined; readonly allowed: readonly string[] };
  readonly action: "print" | "write" | "remove";
}

/** What the report on this machine is about, frozen. */
export interface DoctorConfig {
  readonly root: string;
  /** The person chose the root, so its parent must exist. */
  readonly isRootNamed: boolean;
}

/** What only the check of the whole store takes, and only on the command line: nobody repairs by accident. */
const verifyFlags = {
  repair: { help: "move orphans and rows that cannot be read into the folder orphans, free what crashes left" },
  json: { help: "print the report as JSON" },
} as const;

const setupFlags = {
  write: { help: "write it into the host's configuration; a copy of the file is kept" },
  remove: { help: "take it out again" },
  name: { value: "NAME", help: "what the host calls this server; artifacts by default" },
} as const;

const commands = {
  verify: "check every row and every byte of the store, while servers may run",
  setup: "print or write the configuration of a host, like claude-desktop, cursor or codex",
  doctor: "report on Node, SQLite, the data directory and the hosts of this machine",
} as const;

const everywhere = ["version", "verbose", "help"] as const;

const optionLine = (flag: string, help: string): string => `  ${flag.padEnd(28)} ${help}\n`;

export const usage = `artifacts-mcp: an artifact store for AI agents, over the Model Context Protocol and HTTP

Usage: artifacts-mcp [options] [DIR ...]
       artifacts-mcp verify [--root DIR] [--repair] [--json]
       artifacts-mcp setup HOST [--write | --remove] [--name NAME] [options]
       artifacts-mcp doctor [--root DIR]

Without a command it serves. A DIR, which contains a slash or begins with ~ or ., is one more --allow-path.
${Object.entries(commands)
  .map(([name, help]) => optionLine(name, help))
  .join("")}
${settingNames.map((name) => optionLine(flagOf(name), settings[name].help)).join("")}\
${optionLine("--version [--verbose]", "print the version; with --verbose that of Node and SQLite too")}\
${optionLine("--help", "print this")}
verify exits with 0 if all is well, 1 if there are faults, 2 if it could not run.
${Object.entries(verifyFlags)
  .map(([name, { help }]) => optionLine(`--${name}`, help))
  .join("")}
setup gives the options that follow to the server that the host starts.
${Object.entries(setupFlags)
  .map(([name, flag]) => optionLine("value" in flag ? `--${name} ${flag.value}` : `--${name}`, flag.help))
  .join("")}
Each option but --version, --help and those of verify and setup is also an environment variable: --session-ttl is
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
  | { readonly kind: "setup"; readonly config: SetupConfig }
  | { readonly kind: "doctor"; readonly config: DoctorConfig }
  | { readonly kind: "help" }
  | { readonly kind: "version"; readonly isVerbose: boolean };

/** @throws ConfigError */
export function readCommand(args: readonly string[], environment: NodeJS.ProcessEnv): Command {
  const [first = ""] = args;
  if (first === "help" || first === "-h") return { kind: "help" };
  if (first === "version" || first === "-v") return { kind: "version", isVerbose: false };
  const command = Object.hasOwn(commands, first) ? (first as keyof typeof commands) : "serve";
  const { given, words } = readArguments(command === "serve" ? args : args.slice(1), optionsOf[command]);
  if (given.has("help")) return { kind: "help" };
  if (given.has("version")) return { kind: "version", isVerbose: given.has("verbose") };
  if (given.has("verbose")) throw new ConfigError("--verbose goes with --version");
  const values = valuesOf(given, environment);
  switch (command) {
    case "serve":
      return { kind: "serve", config: serveConfig(withDirectories(given, words), environment) };
    case "verify": {
      refuseWords(words);
      const found = { repair: given.has("repair"), json: given.has("json") };
      return { kind: "verify", config: Object.freeze({ ...commonConfig(values, environment), ...found }) };
    }
    case "setup":
      return { kind: "setup", config: setupConfig(given, words, environment) };
    case "doctor": {
      refuseWords(words);
      const { root } = commonConfig(values, environment);
      return { kind: "doctor", config: Object.freeze({ root, isRootNamed: values.one("root") !== undefined }) };
    }
  }
}

/** What a host's entry cannot have, and why. */
const notForHosts: Readonly<Record<string, string>> = {
  "http-token": `everybody who can read the host's file would see it: give it as ${variableOf("http-token")} in the entry's environment`,
  "no-stdio": "a host speaks to the server over stdio",
};

const optionsOf: Readonly<Record<keyof typeof commands | "serve", readonly string[]>> = {
  serve: settingNames,
  verify: ["root", "log-level", ...Object.keys(verifyFlags)],
  setup: [...Object.keys(setupFlags), ...settingNames.filter((name) => !Object.hasOwn(notForHosts, name))],
  doctor: ["root"],
};

/** What looks like a path is one more directory that may be reached. @throws ConfigError */
function withDirectories(given: Given, words: readonly string[]): Given {
  const directories = words.filter((word) => !isUnfilled(word));
  for (const word of directories) if (!isPath(word)) throw new ConfigError(unknownWord(word));
  if (directories.length === 0) return given;
  return new Map([...given, ["allow-path", [...(given.get("allow-path") ?? []), ...directories]]]);
}

const isPath = (word: string): boolean =>
  /^[~.]|\//.test(word) || (process.platform === "win32" && word.includes("\\"));

function unknownWord(word: string): string {
  if (Object.hasOwn(commands, word)) return `${JSON.stringify(word)} must be the first word, see --help`;
  const known = Object.keys(commands).join(", ");
  return `unknown command ${JSON.stringify(word)}: the commands are ${known}, see --help; a directory to allow is written with a slash, like ./${word}`;
}

/** @throws ConfigError */
function refuseWords([word]: readonly string[]): void {
  if (word === undefined) return;
  throw new ConfigError(`unexpected argument ${JSON.stringify(word)}: only options are allowed, see --help`);
}

/** @throws ConfigError */
function setupConfig(given: Given, [host, ...words]: readonly string[], environment: NodeJS.ProcessEnv): SetupConfig {
  if (given.has("write") && given.has("remove")) throw new ConfigError("give --write or --remove, not both");
  const action = given.has("write") ? "write" : given.has("remove") ? "remove" : "print";
  const name = given.get("name")?.at(-1) ?? "artifacts";
  if (!/^[A-Za-z0-9_-]{1,40}$/.test(name)) {
    throw new ConfigError(`--name must be 1 to 40 letters, digits, "-" or "_", not ${JSON.stringify(name)}`);
  }
  const stray = words.find((word) => !isPath(word) && !isUnfilled(word));
  if (stray !== undefined) {
    const hint = Object.hasOwn(setupFlags, stray)
      ? `: give --${stray}`
      : ": a directory to allow is written with a slash";
    throw new ConfigError(`setup takes one host, and ${JSON.stringify(stray)} is too much${hint}`);
  }
  const forServer = withDirectories(
    new Map([...given].filter(([option]) => !Object.hasOwn(setupFlags, option))),
    words,
  );
  const { allowPaths } = serveConfig(forServer, {}); // refuses now what the server would refuse when the host starts it
  const root = valuesOf(forServer, environment).one("root");
  return Object.freeze({
    ...{ host: host?.toLowerCase(), name, action },
    serverArguments: toArguments(forServer),
    defaultArguments: root === undefined ? [] : ["--root", root],
    directories: { root, allowed: allowPaths },
  });
}

/** The same as a command line that does not depend on the current directory. */
function toArguments(given: Given): string[] {
  return [...given].flatMap(([option, texts]) => {
    const setting = settings[option as Setting];
    if (!("value" in setting)) return texts.at(-1) === "true" ? [`--${option}`] : [`--${option}=${texts.at(-1)}`];
    return texts.flatMap((text) => [`--${option}`, isDirectory(option as Setting) ? absolutePath(text) : text]);
  });
}

/** The options and the other words of a command line. @throws ConfigError */
function readArguments(args: readonly string[], allowed: readonly string[]): { given: Given; words: string[] } {
  const known = [...allowed, ...everywhere];
  const options = Object.fromEntries(known.map((name) => [name, { type: typeOf(name) }]));
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true, options });
  const given = new Map<string, string[]>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    else if (token.kind === "option-terminator") refuseWords(["--"]);
    else if (token.rawName !== `--${token.name}` || !Object.hasOwn(options, token.name)) {
      throw new ConfigError(unknownOption(token, known));
    } else given.set(token.name, [...(given.get(token.name) ?? []), optionValue(token.name, token.value)]);
  }
  return { given, words };
}

function unknownOption({ name, rawName }: { name: string; rawName: string }, known: readonly string[]): string {
  const why = Object.hasOwn(notForHosts, name) ? notForHosts[name] : undefined;
  if (why !== undefined && rawName === `--${name}`) return `no ${rawName}: ${why}`;
  return `unknown option ${rawName}: allowed are ${known.map((each) => `--${each}`).join(" ")}`;
}

/** What the help says of an option that takes a value. */
function takes(name: string): string | undefined {
  const options = { ...settings, ...setupFlags };
  const option = Object.hasOwn(options, name) ? options[name as keyof typeof options] : undefined;
  return option !== undefined && "value" in option ? option.help : undefined;
}

function typeOf(name: string): "string" | "boolean" {
  return takes(name) === undefined ? "boolean" : "string";
}

/** @throws ConfigError */
function optionValue(name: string, value: string | undefined): string {
  if (typeOf(name) === "boolean") {
    if (value === undefined || Object.hasOwn(settings, name)) return value ?? "true";
    throw new ConfigError(`--${name} takes no value, not ${JSON.stringify(value)}`);
  }
  if (value !== undefined && !value.startsWith("--")) return value;
  throw new ConfigError(`--${name} needs a value: ${takes(name)}`);
}

/** @throws ConfigError */
export function commandOfThisProcess(): Command {
  return readCommand(process.argv.slice(2), process.env);
}
