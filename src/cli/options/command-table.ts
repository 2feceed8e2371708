import type { CommandName } from "./option-table.js";

export interface CommandHelp {
  /** What follows `artifacts-mcp` on the command line. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly help: string;
  /** What an operator should know besides: whole sentences, for docs/options.md only. */
  readonly details: string;
  readonly exitCodes: readonly (readonly [code: number, meaning: string])[];
}

/** Every command. `serve` has no word: it is what the program does without a command. */
export const commandTable: Readonly<Record<CommandName, CommandHelp>> = {
  serve: {
    usage: "[options] [DIR ...]",
    help: "serve the store, until stdin ends or a signal comes",
    details:
      "It ends after stdin has ended, or at SIGINT or SIGTERM. It first answers the requests that it has received, except that it ends analyses of content; a second signal ends it at once.",
    exitCodes: [
      [0, "it ended as it should, or has printed the help or the version"],
      [1, "the data directory, the SQLite driver or, with `--no-stdio`, the HTTP address cannot be used"],
      [2, "the command line or an environment variable is wrong, or stdout cannot be written to"],
    ],
  },
  verify: {
    usage: "verify [--root DIR] [--repair] [--json]",
    help: "check every row and every byte of the store",
    details: "Servers may run meanwhile.",
    exitCodes: [
      [0, "there are no faults, or all were repaired"],
      [1, "there are faults"],
      [2, "it could not run"],
    ],
  },
  setup: {
    usage: "setup HOST [--write | --remove] [--name NAME] [options]",
    help: "print, write or remove the configuration of a host, like claude-desktop, cursor or codex",
    details:
      "Options of the server that follow HOST go into the configuration, and so do directories to allow. Without `--write` and `--remove` it only prints what to put where.",
    exitCodes: [
      [0, "it is done"],
      [1, "it could not be done, and nothing was changed"],
      [2, "the command line is wrong, or the host is not known"],
    ],
  },
  doctor: {
    usage: "doctor [--root DIR]",
    help: "report on Node, SQLite, the data directory and the hosts of this machine",
    details: "It changes nothing.",
    exitCodes: [
      [0, "there are no faults"],
      [1, "there are faults"],
      [2, "the command line is wrong"],
    ],
  },
};

/** The words that name a command. */
export const commandWords = ["verify", "setup", "doctor"] as const satisfies readonly CommandName[];

export function isCommandWord(word: string): word is (typeof commandWords)[number] {
  return commandWords.some((each) => each === word);
}
