import { randomUUID } from "node:crypto";
import { kill, pid } from "node:process";
import { errorCodeOf } from "../engine-error.js";
import { maxNameBytes } from "../local-files/local-file-errors.js";

/*
 * The hidden file in which `name` is written: `.name.<16 hex of the digest>-<process>-<8 hex>.part`. The name is cut so
 * that the result is not longer than a file name may be.
 */

const digestChars = 16;
const randomChars = 8;
const endPattern = /\.([0-9a-f]{16})-(\d{1,10})-([0-9a-f]{8})\.part$/;
/** `-` twice, the longest number of a process, two dots and the ending. */
const longestEnd = ".".length + digestChars + 2 + 10 + randomChars + ".part".length;

/** Names that this process has given, and not those that an earlier process of the same number has left. */
const ownRandoms = new Set<string>();

export interface PartName {
  /** The file that it is for; cut if it is long. */
  readonly target: string;
  /** The beginning of the digest that its bytes shall have. */
  readonly digest: string;
  /** Whether the process that writes it has ended. */
  readonly isLeft: boolean;
}

/** A name that nobody has used yet. */
export function newPartName(name: string, sha256: string): string {
  const random = randomUUID().slice(0, randomChars); // Node makes many UUIDs at a time
  ownRandoms.add(random);
  return `.${cutName(name)}.${sha256.slice(0, digestChars)}-${pid}-${random}.part`;
}

/** What a name says, if it is one of a hidden file. */
export function readPartName(name: string): PartName | undefined {
  const [end, digest = "", owner = "", random = ""] = endPattern.exec(name) ?? [];
  if (end === undefined || !name.startsWith(".")) return undefined;
  return { target: name.slice(1, -end.length), digest, isLeft: !isRunning(Number(owner), random) };
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
  if (owner === pid) return ownRandoms.has(random); // in a container, each process may have the same number
  try {
    kill(owner, 0);
    return true;
  } catch (error) {
    return errorCodeOf(error) === "EPERM"; // it runs for another user
  }
}
