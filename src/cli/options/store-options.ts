import { type CommandName, storeCommandNames } from "./command-names.js";
import type { Option } from "./option.js";

/*
 * The options of the commands on artifacts, as rows of the one table in `option-table.ts`. They have no environment
 * variables.
 */

const group = "Options of commands";
const commandsWithJson: readonly CommandName[] = [...storeCommandNames.filter((name) => name !== "cat"), "verify"];

export const storeOptions = {
  json: { commands: commandsWithJson, group, help: "print JSON, for programs" },
  long: {
    commands: ["ls", "tree", "search", "versions", "uploads", "du"],
    group,
    short: "l",
    help: "print every fact",
  },
  recursive: {
    commands: ["ls", "put", "get", "rm"],
    group,
    short: "r",
    help: "a whole folder, or all that is under a prefix",
  },
  yes: { commands: ["rm", "sync"], group, short: "y", help: "do not ask" },
  check: {
    commands: ["backup"],
    group,
    help: "also read all content that the backup has already, and check its digests",
  },
} as const satisfies Record<string, Option>;
