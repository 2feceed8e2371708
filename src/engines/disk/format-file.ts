import { randomBytes } from "node:crypto";
import { constants, open, readdir, readFile, rename, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { ignoringErrno, syncFolder, writeParts, writeSynced } from "../file-system.js";

/*
 * The file `format` says that a directory contains a store. Its first line is the format of the data directory. Its
 * second line is the store's mark. It is empty until the core of the store writes a mark.
 */

/** The format that this program reads and writes. */
export const dataFormat = "2";

const fileName = "format";
const draftPrefix = `${fileName}-`;
const withMark = (mark: string): string => `${dataFormat}\n${mark}\n`;
/** A draft of this age was left by a process that died before it renamed the draft. */
const staleDraftMs = 60 * 60 * 1000;

export interface FormatFile {
  readonly format: string;
  readonly mark: string | undefined;
}

/** Undefined if the file is missing or empty. It is empty if a process died while it made the file. */
export async function readFormat(root: string): Promise<FormatFile | undefined> {
  const text = await ignoringErrno(["ENOENT"], () => readFile(join(root, fileName), "utf8"), undefined);
  if (text === undefined || text === "") return undefined;
  const [format = "", mark = ""] = text.split("\n");
  return { format: format.trim(), mark: mark === "" ? undefined : mark };
}

/**
 * Durably writes the format without a mark. Other processes may do the same at the same time: all of them write the
 * same bytes to the same file. A file with a mark is never overwritten, because it is another, longer file, which
 * `writeMark` has put in the place of this one.
 */
export async function writeFormat(root: string): Promise<void> {
  const file = await open(join(root, fileName), constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const bytes = Buffer.from(withMark(""));
    if ((await file.stat()).size < bytes.length) await writeParts(file, [bytes], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(root);
}

/**
 * Durably replaces the mark. If several processes do this at once, one of them wins. Readers always see a whole file.
 */
export async function writeMark(root: string, mark: string): Promise<void> {
  if (/[\r\n]/.test(mark)) throw new RangeError("A mark must be one line");
  const draft = join(root, `${draftPrefix}${randomBytes(8).toString("hex")}`);
  try {
    await writeSynced(draft, "wx", withMark(mark));
    await rename(draft, join(root, fileName));
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(root);
  await removeStaleDrafts(root);
}

async function removeStaleDrafts(root: string): Promise<void> {
  const drafts = (await readdir(root)).filter((name) => name.startsWith(draftPrefix));
  for (const path of drafts.map((name) => join(root, name))) {
    const found = await ignoringErrno(["ENOENT"], () => stat(path), undefined);
    const isStale = found !== undefined && Date.now() - found.mtimeMs > staleDraftMs;
    if (isStale) await ignoringErrno(["ENOENT"], () => unlink(path), undefined);
  }
}
