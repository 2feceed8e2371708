import { randomUUID } from "node:crypto";
import { kill, pid } from "node:process";
import { errorCodeOf } from "../engine-error.js";
import { maxNameBytes } from "../local-files/local-file-errors.js";
import { processSpace } from "./process-space.js";

/*
 * The hidden file in which `name` is written: `.name.<16 hex of the digest>-<8 hex of the process space>-<process>-<8
 * hex>.part`. The name is cut so that the result is not longer than a file name may be. The same pattern is in
 * `escaped-names.ts` of the store.
 */

const digestChars = 16;
const spaceChars = 8;
const randomChars = 8;
const partPattern = /^\.(.*)\.([0-9a-f]{16})-([0-9a-f]{8})-(\d{1,10})-([0-9a-f]{8})\.part$/s;
/** `-` three times, the longest number of a process, two dots and the ending. */
const longestEnd = ".".length + digestChars + spaceChars + 3 + 10 + randomChars + ".part".length;

/** Names that this process has given, and not those that an earlier process of the same number has left. */
const ownRandoms = new Set<string>();

export interface PartName {
  /** The file that it is for; cut if it is long. */
  readonly target: string;
  /** The beginning of the digest that its bytes shall have. */
  readonly digest: string;
  /** The process that writes it. Nothing is known of one `elsewhere`, in another container or on another machine. */
  readonly writer: "running" | "ended" | "elsewhere";
}

/** A name that nobody has used yet. */
export function newPartName(name: string, sha256: string): string {
  const random = randomUUID().slice(0, randomChars); // Node makes many UUIDs at a time
  ownRandoms.add(random);
  return `.${cutName(name)}.${sha256.slice(0, digestChars)}-${processSpace()}-${pid}-${random}.part`;
}

/** What a name says, if it is one of a hidden file. */
export function readPartName(name: string): PartName | undefined {
  const [whole, target = "", digest = "", space = "", owner = "", random = ""] = partPattern.exec(name) ?? [];
  if (whole === undefined) return undefined;
  const isElsewhere = space !== processSpace();
  return { target, digest, writer: isElsewhere ? "elsewhere" : isRunning(Number(owner), random) ? "running" : "ended" };
}

/** Whether a hidden file is for the file with this name and digest. */
export function isPartOf(part: PartName, name: string, sha256?: string): boolean {
  return part.target === cutName(name) && (sha256 === undefined || sha256.startsWith(part.digest));
}

function cutName(name: string): string {
  let cut = name;
  while (Buffer.byteLength(cut) > maxNameBytes - 1 - longestEnd) cut = [...cut].slice(0, -1).join("");
  return cut;
}

function isRunning(owner: number, random: string): boolean {
  if (owner === pid) return ownRandoms.has(random);
  try {
    kill(owner, 0);
    return true;
  } catch (error) {
    return errorCodeOf(error) === "EPERM"; // it runs for another user
  }
}
