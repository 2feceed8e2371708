import { parseArgs } from "node:util";
import { isNearKey } from "../../store/model/names/near-key.js";
import { type CommandName, commandWords, isCommandWord, isStoreCommand } from "./command-names.js";
import { ConfigError } from "./config-error.js";
import { meantCommand, meantOption } from "./foreign-words.js";
import { isOption, type OptionName, optionNames, options } from "./option-table.js";
import { type GivenOptions, isUnfilled } from "./option-values.js";

export interface Arguments {
  readonly given: GivenOptions;
  /** The arguments that are no option and no option's value. */
  readonly words: readonly string[];
}

/** Splits the arguments of a command into options and words. @throws ConfigError for an option that it does not take */
export function readArguments(args: readonly string[], command: CommandName): Arguments {
  const allowed = optionNames.filter((name) => isAllowed(name, command));
  const types = Object.fromEntries(allowed.map((name) => [name, typeOf(name)]));
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true, options: types });
  const given = new Map<string, string[]>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    else if (token.kind === "option-terminator") {
      if (!isStoreCommand(command)) refuseWords(["--"]); // there, words that begin with a dash may follow
    } else {
      const name = allowed.find((each) => token.rawName === `--${each}` || token.rawName === `-${options[each].short}`);
      if (name === undefined) throw new ConfigError(unknownOption(token.rawName, command, allowed));
      given.set(name, [...(given.get(name) ?? []), optionText(name, token.value)]);
    }
  }
  return { given, words };
}

function isAllowed(name: OptionName, command: CommandName): boolean {
  const { commands, refusedBySetup } = options[name];
  return commands.includes(command) && !(command === "setup" && refusedBySetup !== undefined);
}

function unknownOption(rawName: string, command: CommandName, allowed: readonly OptionName[]): string {
  const name = rawName.replace(/^--/, "");
  const why = command === "setup" && isOption(name) ? options[name].refusedBySetup : undefined;
  if (why !== undefined) return `setup does not take ${rawName}: ${why}`;
  if (command === "serve" && isOption(name)) {
    const [first = "", ...others] = options[name].commands;
    const rest = others.length === 0 ? "" : ` and ${others.length === 1 ? others[0] : "others"}`;
    return `${rawName} is an option of ${first}${rest}: write the command first, see --help`;
  }
  const meant = meantOption(rawName);
  const hint = meant === undefined ? "" : `${meant}; `;
  return `unknown option ${rawName}: ${hint}allowed are ${allowed.map((each) => `--${each}`).join(" ")}`;
}

function typeOf(name: OptionName) {
  const { value, short } = options[name];
  const type: "string" | "boolean" = value === undefined ? "boolean" : "string";
  return { type, ...(short === undefined ? {} : { short }) };
}

/** @throws ConfigError */
function optionText(name: OptionName, text: string | undefined): string {
  const { value, parser, help } = options[name];
  if (value === undefined) {
    if (text === undefined || parser !== undefined) return text ?? "true";
    throw new ConfigError(`--${name} takes no value, not ${JSON.stringify(text)}`);
  }
  if (text !== undefined && !text.startsWith("--")) return text;
  throw new ConfigError(`--${name} needs a value: ${help}`);
}

/** Adds the words that look like a path to the directories of `--allow-path`. @throws ConfigError for any other word */
export function withDirectories(given: GivenOptions, words: readonly string[]): GivenOptions {
  const directories = words.filter((word) => !isUnfilled(word));
  for (const word of directories) checkDirectory(word);
  if (directories.length === 0) return given;
  return new Map([...given, ["allow-path", [...(given.get("allow-path") ?? []), ...directories]]]);
}

/**
 * Checks the first argument of a command line without a command, before its options, which may be those of a command of
 * another program.
 *
 * @throws ConfigError
 */
export function checkFirstWord(word: string): void {
  if (!word.startsWith("-") && !isUnfilled(word)) checkDirectory(word);
}

function checkDirectory(word: string): void {
  if (!isPath(word) || isAddress(word)) throw new ConfigError(unknownWord(word));
}

/** The place of the command among the arguments: only options of it may come before. Undefined if there is no command. */
export function placeOfCommand(args: readonly string[]): number | undefined {
  const found = args.findIndex((word, at) => isCommandWord(word) && areOptions(args.slice(0, at), word));
  return found < 0 ? undefined : found;
}

function areOptions(args: readonly string[], command: CommandName): boolean {
  try {
    return readArguments(args, command).words.length === 0;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

export const isPath = (word: string): boolean =>
  /^[~.]|\//.test(word) || (process.platform === "win32" && word.includes("\\"));

/** An address in a store, which no directory looks like. */
const isAddress = (word: string): boolean => /^[a-z\d]+:\/\//i.test(word);

function unknownWord(word: string): string {
  if (isCommandWord(word)) return `${JSON.stringify(word)} must be the first word, see --help`;
  if (isAddress(word))
    return `${JSON.stringify(word)} is an address: a command comes first, like ls or get, see --help`;
  const meant = meantCommand(word);
  if (meant !== undefined) return `unknown command ${JSON.stringify(word)}: ${meant}, see --help`;
  const near = commandWords.find((each) => isNearKey(word, each));
  if (near !== undefined) {
    return `unknown command ${JSON.stringify(word)}: ${near} is the nearest one, see --help; a directory to allow is written with a slash, like ./${word}`;
  }
  const known = commandWords.join(", ");
  return `unknown command ${JSON.stringify(word)}: the commands are ${known}, see --help; a directory to allow is written with a slash, like ./${word}`;
}

/** @throws ConfigError if there is a word */
export function refuseWords([word]: readonly string[]): void {
  if (word === undefined) return;
  throw new ConfigError(`unexpected argument ${JSON.stringify(word)}: only options are allowed, see --help`);
}
