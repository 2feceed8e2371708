import { createInterface } from "node:readline/promises";

/**
 * Asks a person, and returns whether the answer is yes. Anything else, and the end of stdin, is no.
 *
 * @throws the reason of the signal if it is aborted meanwhile
 */
export async function askYes(question: string, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  // With a terminal, readline takes Ctrl+C itself.
  lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
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
