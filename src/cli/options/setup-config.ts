import { isPath, withDirectories } from "./arguments.js";
import { ConfigError } from "./config-error.js";
import { absolutePath } from "./directories.js";
import { isDirectory, isOption, isServerOption, type OptionName, options } from "./option-table.js";
import { type GivenOptions, isUnfilled, optionValues } from "./option-values.js";
import { serveConfig } from "./serve-config.js";

/** What the command `setup` needs to know, frozen. */
export interface SetupConfig {
  /** In lower case; undefined if no host was named. */
  readonly host: string | undefined;
  /** The name of this server in the host's configuration. */
  readonly name: string;
  /** The arguments with which the host starts the server, checked; empty if no option of the server was given. */
  readonly serverArguments: readonly string[];
  /**
   * The arguments of a new entry if no option of the server was given. They name the data directory of this environment,
   * because hosts do not hand on the variable that names it.
   */
  readonly defaultArguments: readonly string[];
  /** The directories that these arguments give to the server, absolute. */
  readonly directories: { readonly root: string | undefined; readonly allowed: readonly string[] };
  readonly action: "print" | "write" | "remove";
}

/** @throws ConfigError */
export function setupConfig(
  given: GivenOptions,
  [host, ...words]: readonly string[],
  environment: NodeJS.ProcessEnv,
): SetupConfig {
  if (given.has("write") && given.has("remove")) throw new ConfigError("give --write or --remove, not both");
  const action = given.has("write") ? "write" : given.has("remove") ? "remove" : "print";
  const name = optionValues(given, environment).one("name");
  const stray = words.find((word) => !isPath(word) && !isUnfilled(word));
  if (stray !== undefined) throw new ConfigError(strayWord(stray));
  const forServer = withDirectories(new Map([...given].filter(([option]) => isServerOption(option))), words);
  const { allowPaths } = serveConfig(forServer, {}); // refuses now what the server would refuse when the host starts it
  const root = optionValues(forServer, environment).one("root");
  return Object.freeze({
    host: host?.toLowerCase(),
    name,
    action,
    serverArguments: toArguments(forServer),
    defaultArguments: root === undefined ? [] : ["--root", root],
    directories: { root, allowed: allowPaths },
  });
}

function strayWord(word: string): string {
  const isOfSetup = isOption(word) && options[word].commands.includes("setup") && !isServerOption(word);
  const hint = isOfSetup ? `give --${word}` : "a directory to allow is written with a slash";
  return `setup takes one host, and ${JSON.stringify(word)} is too much: ${hint}`;
}

/** Returns arguments with the same meaning that do not depend on the current directory. */
function toArguments(given: GivenOptions): string[] {
  return [...given].flatMap(([option, texts]) => {
    const name = option as OptionName;
    if (options[name].value === undefined) {
      return texts.at(-1) === "true" ? [`--${name}`] : [`--${name}=${texts.at(-1)}`];
    }
    return texts.flatMap((text) => [`--${name}`, isDirectory(name) ? absolutePath(text) : text]);
  });
}
