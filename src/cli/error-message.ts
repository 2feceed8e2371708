import { DataDirectoryError } from "../engines/data-directory-error.js";

/**
 * Returns an error's message for a person at the command line. An engine does not know the names of options, so
 * `(--root)` is added here if the message asks for another directory.
 */
export function errorMessage(error: Error): string {
  if (!(error instanceof DataDirectoryError)) return error.message;
  return error.message.replace(/(?<=directory|directory of one|the copy)\.$/, " (--root).");
}
