import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import packageJson from "../../../package.json" with { type: "json" };
import { serverOptionNames } from "../options/option-table.js";
import type { Entry } from "./config-format.js";

/** The words of the command that an entry starts, however its host writes them. */
export function commandOf(entry: Entry): string[] {
  return [entry["command"], entry["args"]].flat().filter((word) => typeof word === "string");
}

/** What starts this program, as `node .../dist/main.js`, `artifacts-mcp` or `npx -y artifacts-mcp`; and what it is given. */
export interface Launch {
  readonly words: readonly string[];
  readonly options: readonly string[];
}

/** Undefined if the entry starts another program. */
export function launchOf(entry: Entry): Launch | undefined {
  const words = commandOf(entry);
  // The data directory may have the name of the program too.
  const option = words.findIndex((word) => serverOptionNames.some((name) => word.split("=")[0] === `--${name}`));
  const place = words.slice(0, option === -1 ? 8 : option).findLastIndex(isProgram);
  return place === -1 ? undefined : { words: words.slice(0, place + 1), options: words.slice(place + 1) };
}

function isProgram(word: string): boolean {
  if (/(?:^|[\\/])artifacts-mcp(?:\.cmd|@[^\\/]*)?$/.test(word)) return true;
  if (!/(?:^|[\\/])dist[\\/]main\.js$/.test(word)) return false;
  // Many programs are a `dist/main.js`. One that has moved is told by its path, and that of our mcp.json is relative.
  return isAbsolute(word) ? (nameOfPackage(word) ?? word).includes(packageJson.name) : true;
}

/** The name in the package.json that a `dist/main.js` belongs to. */
function nameOfPackage(main: string): string | undefined {
  try {
    return String(JSON.parse(readFileSync(join(dirname(main), "..", "package.json"), "utf8")).name);
  } catch {
    return undefined;
  }
}
