/** stdout cannot be written to. The message is one line that says why. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/**
 * Writes the output of a command to stdout. Returns false if the program that reads it has ended, like `head` after its
 * last line: then nobody misses it.
 *
 * @throws OutputError if it cannot be written; the reason of `signal` if it aborts while the reader takes nothing
 */
export function print(
  stdout: NodeJS.WritableStream,
  output: string | Uint8Array,
  signal?: AbortSignal,
): Promise<boolean> {
  if (gone.has(stdout)) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    stdout.on("error", ignore); // the callback gets the same error
    stdout.write(output, (cause?: NodeJS.ErrnoException | null) => {
      signal?.removeEventListener("abort", abort);
      if (!cause) {
        stdout.off("error", ignore);
        resolve(true);
      } else if (cause.code === "EPIPE" || cause.code === "ERR_STREAM_DESTROYED") {
        gone.add(stdout);
        resolve(false); // after EPIPE the stream is destroyed, and says so at the next write
      } else {
        reject(new OutputError(`stdout cannot be written to (${cause.message}): give it another place.`, { cause }));
      }
    });
    if (signal?.aborted) setImmediate(abort); // a reader with room for the text has it by then
  });
}

/** Streams whose readers have ended. Each keeps one listener for its errors. */
const gone = new WeakSet<NodeJS.WritableStream>();

function ignore(): void {}
