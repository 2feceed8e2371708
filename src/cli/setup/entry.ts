import type { Entry } from "./config-format.js";

/** The words of the command that an entry starts, however its host writes them. */
export function commandOf(entry: Entry): string[] {
  return [entry["command"], entry["args"]].flat().filter((word) => typeof word === "string");
}

/** `node .../dist/main.js`, `artifacts-mcp`, `npx -y artifacts-mcp`. */
const program = /(?:^|[\\/])(?:artifacts-mcp(?:\.cmd|@[^\\/]*)?|dist[\\/]main\.js)$/;

/** Where in a command this program is named; undefined if the command starts another one. */
function placeOf(words: readonly string[]): number | undefined {
  const place = words.slice(0, 3).findIndex((word) => program.test(word));
  return place === -1 ? undefined : place;
}

/** Whether an entry starts this program, be it another copy of it. */
export const isOurs = (entry: Entry): boolean => placeOf(commandOf(entry)) !== undefined;

/** What an entry of ours gives the server. */
export function argumentsOf(entry: Entry): string[] {
  const words = commandOf(entry);
  return words.slice((placeOf(words) ?? words.length) + 1);
}
