import type { LogLevel } from "../../store/ports/log.js";
import { checkFirstWord, placeOfCommand, readArguments, refuseWords, withDirectories } from "./arguments.js";
import { type CommandName, isCommandWord, isStoreCommand, type Shell, shells } from "./command-names.js";
import { ConfigError } from "./config-error.js";
import { defaultRoot } from "./directories.js";
import { optionValues } from "./option-values.js";
import { type ServeConfig, serveConfig } from "./serve-config.js";
import { type SetupConfig, setupConfig } from "./setup-config.js";
import { type StoreCommandConfig, storeCommandConfig } from "./store-command-config.js";

/** What the command `verify` needs to know, frozen. */
export interface VerifyConfig {
  readonly root: string;
  readonly repair: boolean;
  /** The database is compacted after the check, unless it is damaged. */
  readonly compact: boolean;
  readonly json: boolean;
  readonly logLevel: LogLevel;
}

/** What the command `doctor` needs to know, frozen. */
export interface DoctorConfig {
  readonly root: string;
  /** The person has chosen the root, so its parent must exist. */
  readonly isRootNamed: boolean;
}

export type Command =
  | { readonly kind: "serve"; readonly config: ServeConfig }
  | { readonly kind: "verify"; readonly config: VerifyConfig }
  | { readonly kind: "setup"; readonly config: SetupConfig }
  | { readonly kind: "doctor"; readonly config: DoctorConfig }
  | { readonly kind: "store"; readonly config: StoreCommandConfig }
  | { readonly kind: "completion"; readonly shell: Shell }
  /** Of one command, or of the whole program. */
  | { readonly kind: "help"; readonly of?: CommandName }
  | { readonly kind: "version"; readonly isVerbose: boolean };

/** Reads the arguments and the environment of this process. @throws ConfigError */
export function commandOfThisProcess(): Command {
  return readCommand(process.argv.slice(2), process.env);
}

/** @throws ConfigError */
export function readCommand(args: readonly string[], environment: NodeJS.ProcessEnv): Command {
  const [first = "", second = ""] = args;
  if (first === "help" || first === "-h") return helpOf(second);
  if (first === "version" || first === "-v") return { kind: "version", isVerbose: false };
  const { command, rest } = splitCommand(args);
  const { given, words } = readArguments(rest, command);
  if (given.has("help")) return helpOf(command);
  if (given.has("version")) return { kind: "version", isVerbose: given.has("verbose") };
  if (given.has("verbose")) throw new ConfigError("--verbose goes with --version");
  if (command === "serve") {
    return { kind: "serve", config: serveConfig(withDirectories(given, words), environment) };
  }
  if (command === "setup") return { kind: "setup", config: setupConfig(given, words, environment) };
  if (command === "completion") return { kind: "completion", shell: shellIn(words) };
  if (isStoreCommand(command)) return { kind: "store", config: storeCommandConfig(command, given, words, environment) };
  refuseWords(words);
  const { one } = optionValues(given, environment);
  const named = one("root");
  const root = named ?? defaultRoot(environment);
  if (command === "doctor")
    return { kind: "doctor", config: Object.freeze({ root, isRootNamed: named !== undefined }) };
  const [repair, compact, json] = [given.has("repair"), given.has("compact"), given.has("json")];
  return { kind: "verify", config: Object.freeze({ root, repair, compact, json, logLevel: one("log-level") }) };
}

/** The command and all its other arguments. @throws ConfigError if the first word is none, and no directory either */
function splitCommand(args: readonly string[]): { command: CommandName; rest: readonly string[] } {
  const at = placeOfCommand(args);
  const command = args[at ?? -1] ?? "";
  if (at !== undefined && isCommandWord(command)) {
    return { command, rest: [...args.slice(0, at), ...args.slice(at + 1)] };
  }
  checkFirstWord(args[0] ?? "");
  return { command: "serve", rest: args };
}

function helpOf(command: string): Command {
  return isCommandWord(command) ? { kind: "help", of: command } : { kind: "help" };
}

/** @throws ConfigError unless there is one word and it names a shell */
function shellIn([word, ...others]: readonly string[]): Shell {
  refuseWords(others);
  const shell = shells.find((each) => each === word);
  if (shell !== undefined) return shell;
  const but = word === undefined ? "" : `, not ${JSON.stringify(word)}`;
  throw new ConfigError(`completion needs the name of a shell: one of ${shells.join(", ")}${but}`);
}
