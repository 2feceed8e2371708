import { existsSync, statSync } from "node:fs";

const localPath = /^(?:\.{1,2}(?:[\\/]|$)|~|\/|[A-Za-z]:[\\/]|file:)/;

/**
 * Whether a word is a path of this machine by its spelling alone: `./a`, `../a`, `~/a`, `/a`, `C:\a`, `file:///a`. What
 * exists makes no difference, so the same words always mean the same.
 */
export function isLocalPath(word: string): boolean {
  return localPath.test(word) || (process.platform === "win32" && word.startsWith("\\"));
}

/** Whether a word that could mean either is the path of a file or a folder that exists. */
export function isExistingPath(word: string): boolean {
  return !/^\w+:\/\//.test(word) && existsSync(word);
}

export function isFolder(word: string): boolean {
  return statSync(word, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A word as it is typed in a shell. */
export function shellWord(word: string): string {
  return /^[\w./@:~+,%=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
