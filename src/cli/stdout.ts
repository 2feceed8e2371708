/** stdout takes no text; the message is one line that says why. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/** Writes all that a command has to say to stdout. @throws OutputError where it does not get there */
export function print(stdout: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stdout.on("error", () => undefined); // the callback has it too
    stdout.write(text, (cause) => {
      if (cause)
        reject(new OutputError(`stdout cannot be written to (${cause.message}): give it another place.`, { cause }));
      else resolve();
    });
  });
}
