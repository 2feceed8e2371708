import { createInterface } from "node:readline/promises";

/** Where a person is asked, and answers. */
export interface Dialog {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/**
 * Asks a person, and returns whether the answer is yes. Anything else, and the end of the input, is no.
 *
 * @throws the reason of the signal if it is aborted meanwhile
 */
export async function askYes(question: string, { input, output }: Dialog, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input, output });
  const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  lines.once("SIGINT", () => process.kill(process.pid, "SIGINT")); // on a terminal, readline takes Ctrl+C itself
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), ended]);
    return /^y(?:es)?$/i.test(answer.trim());
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    lines.close();
  }
}
