import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readingCalls } from "./mortal-fs.js";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** A source line that changes the disk, or that calls an engine to do so. */
export interface Place {
  /** The position as in a stack, for example `src/store/rows.ts:97`. */
  readonly line: string;
  /** File, function and text of the line. Stays the same when lines move. */
  readonly name: string;
}

/** Finds all such places in the sources. */
export async function findPlaces(): Promise<Place[]> {
  const asked = changingMethods(await Promise.all(portFiles.map(read)));
  const store = (await sourcesOf("src/store")).map((file) => placesIn(file, () => asked));
  const engines = (await sourcesOf("src/engines")).map((file) => placesIn(file, durableCalls));
  return (await Promise.all([...store, ...engines])).flat();
}

const portFiles = ["src/store/ports/metadata-store.ts", "src/store/ports/content-store.ts"];
const ports = /^export interface (?:MetadataStore|ContentStore|ContentListing|PieceWriter)\b.*\{\n([\s\S]*?)^\}/gm;
/** Methods of ports that change nothing. Every other method counts as a change. */
const readingMethods: ReadonlySet<string> = new Set([
  ...["get", "getMany", "pieces", "listPieces", "range", "grouped", "checkIntegrity", "changeToken", "isInPlace"],
  ...["snapshot", "size", "openPiece", "readMark", "shards", "shardOf", "listShard", "pathOf", "strayFiles"],
  ...["has", "check", "close"],
]);

/** Matches calls of methods that change something. `hash.copy()` is excluded: it copies a digest in memory. */
function changingMethods(sources: readonly string[]): RegExp {
  const bodies = sources.flatMap((source) => [...source.matchAll(ports)].map(([, body = ""]) => body));
  const methods = bodies.flatMap((body) => [...body.matchAll(/^ {2}(\w+)\(/gm)].map(([, name = ""]) => name));
  const changing = [...methods.filter((name) => !readingMethods.has(name)), "commit"];
  return new RegExp(String.raw`(?<!hash)\.(${changing.join("|")})\(`);
}

const handleCalls = "write|writev|writeFile|appendFile|datasync|sync|truncate|chmod|chown|utimes";
/** Functions of the engines whose only work is to change the disk. */
const ownCalls =
  "syncFolder|makeFolder|makeIfAbsent|writeSynced|writeParts|writeFormat|writeMark|makeShards|restoreShard";
const pieceCalls = String.raw`files\.(?:begin|make|share|remove)\(`;
const writes = "begin|commit|insertRow|updateRow|deleteRow|putPiece|dropPiece";
const pragmas = "journal_mode|auto_vacuum|incremental_vacuum|wal_checkpoint";
const sqlWrites = [
  ...[
    String.raw`new KeyvSqlite\(`,
    String.raw`keyv\.set\(`,
    String.raw`changer\.change\(`,
    String.raw`local\.change\(`,
  ],
  ...[String.raw`#statements\.(?:${writes})\.run\(`, String.raw`statement\.all\(`],
  String.raw`connection\.all\((?:["${"`"}](?:BEGIN|COMMIT|PRAGMA (?:${pragmas}))|sql\))`,
  String.raw`connection\.all<\{ log: number`,
].join("|");

function durableCalls(source: string): RegExp {
  const [, imports = ""] = source.match(/^import \{([^}]*)\} from "node:fs\/promises";$/m) ?? [];
  const names = imports.split(",").map((name) => name.trim());
  const calls = names.filter((name) => /^\w+$/.test(name) && name !== "constants" && !readingCalls.has(name));
  const opens = names.includes("open") ? [String.raw`open(?!\([^()]*, "r"\))`] : [];
  const bare = [...calls, ...opens, ownCalls].join("|");
  return new RegExp(String.raw`(?<![\w.]|function )(?:${bare})\(|\.(?:${handleCalls})\(|${pieceCalls}|${sqlWrites}`);
}

async function placesIn(file: string, callsOf: (source: string) => RegExp): Promise<Place[]> {
  const source = await read(file);
  const calls = callsOf(source);
  const lines = source.split("\n");
  return lines.flatMap((text, index) => {
    if (/^\s*(\*|\/\/|\/\*)/.test(text) || !calls.test(text)) return [];
    return [{ line: `${file}:${index + 1}`, name: `${file} ${functionAt(lines, index)}: ${text.trim()}` }];
  });
}

const header =
  /^\s*(?:export )?(?:async )?(?:function )?(#?\w+)(?:<[^>]*>)?\(.*[({,]$|^\s*(?:const )?(#?\w+)(?: =|:) (?:async )?\(/;
const noFunction = /^(if|for|while|switch|catch|return|await)$/;

/** The function that contains a line: the nearest line above that begins a function and is indented less. */
function functionAt(lines: readonly string[], index: number): string {
  let indent = indentOf(lines[index]) + 1;
  for (let above = index; above >= 0; above -= 1) {
    const text = lines[above] ?? "";
    if (text.trim() === "" || indentOf(text) >= indent) continue;
    const [, method, arrow] = text.match(header) ?? [];
    const name = method ?? arrow;
    if (name !== undefined && !noFunction.test(name) && above !== index) return name;
    // A line that closes parameters belongs to the header above it, which has the same indentation.
    indent = indentOf(text) + (/^\s*\)/.test(text) ? 1 : 0);
  }
  return "top";
}

const indentOf = (text = ""): number => text.length - text.trimStart().length;
const read = (file: string): Promise<string> => readFile(`${repository}/${file}`, "utf8");

/**
 * Files whose lines are no places, because a test of their own kills there: of single files `test/e2e/local-files.test.ts`
 * and `test/e2e/cli/transfer-kills.test.ts`, of exports and imports the two `archive.test.ts`, of backups and restores
 * `test/store/backup/backup-kills.test.ts` and `test/e2e/cli/backup-load.test.ts`. The last ones run in the SQLite thread or
 * send work to it; the program that is killed does this work without a thread.
 */
const outside =
  /^src\/(?:store\/transfer\/(?:file-export|user\/.*)|store\/(?:archive|backup)\/.*|engines\/(?:backup-folder|local-files|user-files)\/.*|engines\/(?:claim-file|ephemeral-directory)|engines\/sqlite\/database\/(?:process-lock|sqlite-thread-program|sqlite3))\.ts$/;

async function sourcesOf(folder: string): Promise<string[]> {
  const names = (await readdir(`${repository}/${folder}`, { recursive: true })).filter((name) => name.endsWith(".ts"));
  return names
    .map((name) => `${folder}/${name}`)
    .filter((file) => !outside.test(file))
    .sort();
}
