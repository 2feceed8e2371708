import { existsSync, statSync } from "node:fs";

/** Whether a word can only mean a file or a folder of this machine: `./a`, `../a`, `~/a`, `/a`, `C:\a`, `file:///a`. */
export function isLocalPath(word: string): boolean {
  return /^(?:\.{1,2}(?:[\\/]|$)|~|\/|[A-Za-z]:[\\/]|file:)/.test(word) || word.includes("\\");
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
