import { type CommandName, commandWords, shells } from "../options/command-names.js";
import { commandTable } from "../options/command-table.js";
import { isDirectory, optionNames, options } from "../options/option-table.js";
import { hosts } from "../setup/hosts.js";

/** What a word of a command line may be: an address in the store, a file or folder of this machine, or one of a few words. */
export type WordKind = "address" | "file" | "directory" | readonly string[];

export interface CompletedOption {
  readonly name: string;
  readonly short?: string | undefined;
  readonly help: string;
  /** What its value may be; `text` is not completed. A flag has none. */
  readonly value?: WordKind | "text" | undefined;
}

export interface CompletedCommand {
  readonly name: CommandName;
  readonly help: string;
  readonly options: readonly CompletedOption[];
  readonly words: readonly WordKind[];
}

/** What the words of each command are, in any order: a shell offers all of them. */
const wordsOf: Readonly<Record<CommandName, readonly WordKind[]>> = {
  serve: ["directory"],
  ls: ["address"],
  tree: ["address"],
  search: [],
  versions: ["address"],
  du: ["address"],
  uploads: ["address"],
  cat: ["address"],
  describe: ["address"],
  diff: ["address"],
  put: ["file", "address"],
  get: ["address", "file"],
  sync: ["file", "address"],
  cp: ["address"],
  mv: ["address"],
  rm: ["address"],
  bucket: [["ls", "show", "set"], "address"],
  export: ["directory", "address"],
  import: ["directory"],
  backup: ["directory"],
  restore: ["directory"],
  verify: [],
  setup: [hosts.map(({ id }) => id)],
  doctor: [],
  completion: [shells],
};

/** The commands as a shell completes them. `serve` comes first and has no word. */
export function completedCommands(): CompletedCommand[] {
  return (["serve", ...commandWords] as const).map((name) => ({
    name,
    help: commandTable[name].help,
    options: optionsOf(name),
    words: wordsOf[name],
  }));
}

function optionsOf(command: CommandName): CompletedOption[] {
  const own = optionNames.filter((name) => {
    const { commands, refusedBySetup } = options[name];
    return commands.includes(command) && !(command === "setup" && refusedBySetup !== undefined);
  });
  return own.map((name) => {
    const { short, help, value, values = "text" } = options[name];
    const completed = value === undefined ? undefined : isDirectory(name) ? ("directory" as const) : values;
    return { name, short, help, value: completed };
  });
}
