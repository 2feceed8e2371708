import type { ArchiveOptions } from "../../../store/archive/archive-export.js";
import { quote } from "../../../store/model/quote.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { jsonLine } from "../../terminal/json-text.js";
import { printable } from "../../terminal/printable.js";
import { createProgressBar } from "../../terminal/progress-bar.js";
import type { Terminal } from "../../terminal/terminal.js";
import { messageForCommand } from "../message-for-command.js";

/** What an export and an import tell: a progress bar and problems while they run, and a result at their end. */
export interface ArchiveReport {
  readonly options: ArchiveOptions;
  /**
   * Prints the result: as JSON, to which it adds the list `failed`, or as lines. Returns the exit code.
   *
   * @param problem the line that says how much could not be done
   */
  end(result: object, lines: readonly string[], problem: string | undefined): Promise<number>;
}

export function archiveReport({ options }: StoreCommandConfig, terminal: Terminal, signal: AbortSignal): ArchiveReport {
  const bar = process.stderr.isTTY === true ? createProgressBar(process.stderr) : undefined;
  const failed: { readonly name: string; readonly message: string }[] = [];
  return {
    options: {
      signal,
      onProgress: ({ bytes, totalBytes }) => bar?.show(bytes, totalBytes),
      onProblem(name, error) {
        bar?.clear();
        const message = messageForCommand(error);
        failed.push({ name, message });
        terminal.problem(`${quote(name)}: ${message}`);
      },
    },
    async end(result, lines, problem) {
      bar?.clear();
      const text = lines.map((line) => `${line}\n`).join("");
      await terminal.print(options.has("json") ? jsonLine({ ...result, failed }) : printable(text));
      if (problem !== undefined) terminal.problem(problem);
      return problem === undefined ? 0 : 1;
    },
  };
}
