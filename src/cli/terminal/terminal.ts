import { print } from "./stdout.js";

/** Where a command writes: results to stdout, all else to stderr. */
export interface Terminal {
  /** stdout is a terminal, so a person reads it. */
  readonly isTerminal: boolean;
  /** Writes text, or bytes, to stdout. @throws OutputError */
  print(output: string | Uint8Array): Promise<void>;
  /** Writes one line to stderr: something that could not be done, or that a person should know. */
  problem(line: string): void;
}

export function createTerminal(
  stdout: NodeJS.WritableStream & { readonly isTTY?: boolean },
  stderr: NodeJS.WritableStream,
): Terminal {
  return {
    isTerminal: stdout.isTTY === true,
    print: (output) => print(stdout, output),
    problem: (line) => void stderr.write(`artifacts-mcp: ${line}\n`),
  };
}
