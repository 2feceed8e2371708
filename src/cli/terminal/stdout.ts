/** stdout cannot be written to. The message is one line that says why. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/** Writes the output of a command to stdout. @throws OutputError if it cannot be written */
export function print(stdout: NodeJS.WritableStream, output: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stdout.on("error", () => undefined); // the callback gets the same error
    stdout.write(output, (cause) => {
      if (cause) {
        reject(new OutputError(`stdout cannot be written to (${cause.message}): give it another place.`, { cause }));
      } else resolve();
    });
  });
}
