/** Commands on the artifacts of a store. Each has a file in `cli/store-commands/`. */
export const storeCommandNames = [
  "ls",
  "tree",
  "search",
  "versions",
  "du",
  "uploads",
  "cat",
  "describe",
  "diff",
  "put",
  "get",
  "sync",
  "cp",
  "mv",
  "rm",
  "bucket",
  "export",
  "import",
  "backup",
  "restore",
] as const;
export type StoreCommandName = (typeof storeCommandNames)[number];

/** The words that name a command. `serve` has none: it is what the program does without a command. */
export const commandWords = [...storeCommandNames, "verify", "setup", "doctor", "completion"] as const;
export type CommandName = "serve" | (typeof commandWords)[number];

export function isCommandWord(word: string): word is (typeof commandWords)[number] {
  return commandWords.some((each) => each === word);
}

export function isStoreCommand(command: CommandName): command is StoreCommandName {
  return storeCommandNames.some((each) => each === command);
}

/** The shells for which there is a script that completes words. */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];
