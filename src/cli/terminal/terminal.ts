import { escapeUnsafe } from "../../store/model/quote.js";
import { print } from "./stdout.js";

/** Where a command writes: results to stdout, all else to stderr. */
export interface Terminal {
  /** stdout is a terminal, so a person reads it. */
  readonly isTerminal: boolean;
  /**
   * Writes text, or bytes, to stdout.
   *
   * @throws OutputError
   * @throws the reason of the command's signal, if it aborts while the reader takes nothing
   * @throws ReaderGone if nobody reads stdout any more and the command has no other purpose
   */
  print(output: string | Uint8Array): Promise<void>;
  /** Writes one line to stderr: something that could not be done, or that a person should know. Control characters are escaped. */
  problem(line: string): void;
}

/** The program that read stdout has ended, so a command that only prints ends too. It is no failure. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
}

interface TerminalOptions {
  /** The command only prints. Other commands go on with their work when nobody reads what they print. */
  readonly isPrinter?: boolean;
  /** Ends the wait for a reader that takes nothing. */
  readonly signal?: AbortSignal;
}

export function createTerminal(
  stdout: NodeJS.WritableStream & { readonly isTTY?: boolean },
  stderr: NodeJS.WritableStream,
  { isPrinter = false, signal }: TerminalOptions = {},
): Terminal {
  return {
    isTerminal: stdout.isTTY === true,
    async print(output) {
      if (!(await print(stdout, output, signal)) && isPrinter) throw new ReaderGone();
    },
    problem: (line) => void stderr.write(`artifacts-mcp: ${escapeUnsafe(line)}\n`),
  };
}
