import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import packageJson from "../../../package.json" with { type: "json" };
import { serverOptionNames } from "../options/option-table.js";
import type { Entry } from "./config-format.js";

/** Returns the words of the command that an entry starts. Hosts write them in different ways. */
export function commandOf(entry: Entry): string[] {
  return [entry["command"], entry["args"]].flat().filter((word) => typeof word === "string");
}

/** A command that starts this program. */
export interface Launch {
  /** Up to the program: `node .../dist/main.js`, `artifacts-mcp` or `npx -y artifacts-mcp`. */
  readonly words: readonly string[];
  /** What follows. */
  readonly options: readonly string[];
}

/** Returns the command of an entry. Returns undefined if the entry starts another program. */
export function launchOf(entry: Entry): Launch | undefined {
  const words = commandOf(entry);
  // Only words before the first option count: the data directory may have the name of the program.
  const option = words.findIndex((word) => serverOptionNames.some((name) => word.split("=")[0] === `--${name}`));
  const place = words.slice(0, option === -1 ? 8 : option).findLastIndex(isProgram);
  return place === -1 ? undefined : { words: words.slice(0, place + 1), options: words.slice(place + 1) };
}

function isProgram(word: string): boolean {
  if (/(?:^|[\\/])artifacts-mcp(?:\.cmd|@[^\\/]*)?$/.test(word)) return true;
  if (!/(?:^|[\\/])dist[\\/]main\.js$/.test(word)) return false;
  // Many programs have a `dist/main.js`. If the file has moved, its path tells. Our own mcp.json has a relative path.
  return isAbsolute(word) ? (nameOfPackage(word) ?? word).includes(packageJson.name) : true;
}

/** Returns the name of the package to which a `dist/main.js` belongs. Returns undefined if it cannot be read. */
function nameOfPackage(main: string): string | undefined {
  try {
    return String(JSON.parse(readFileSync(join(dirname(main), "..", "package.json"), "utf8")).name);
  } catch {
    return undefined;
  }
}
