import { DataDirectoryError } from "../engines/data-directory-error.js";

/** What a person at the command line reads: an engine asks for another directory, and does not know the option's name. */
export function messageFor(error: Error): string {
  if (!(error instanceof DataDirectoryError)) return error.message;
  return error.message.replace(/(?<=directory|directory of one|the copy)\.$/, " (--root).");
}
