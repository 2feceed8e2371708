import { randomBytes } from "node:crypto";
import { constants, open, readdir, readFile, rename, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { ignoringErrno, syncFolder, writeParts, writeSynced } from "../file-system.js";

/*
 * The file `format` says that there is a store. Its first line is the layout of the data directory. Its second line is
 * the store's mark, empty until the store's core has written one.
 */

/** The layout that this program reads and writes. */
export const dataFormat = "2";

const fileName = "format";
const draftPrefix = `${fileName}-`;
const withMark = (mark: string): string => `${dataFormat}\n${mark}\n`;
/** A draft this old belongs to a process that died before it renamed it. */
const staleDraftMs = 60 * 60 * 1000;

export interface FormatFile {
  readonly format: string;
  readonly mark: string | undefined;
}

/** Undefined if the file is missing, or empty because a process died while it made it. */
export async function readFormat(root: string): Promise<FormatFile | undefined> {
  const text = await ignoringErrno(["ENOENT"], () => readFile(join(root, fileName), "utf8"), undefined);
  if (text === undefined || text === "") return undefined;
  const [format = "", mark = ""] = text.split("\n");
  return { format: format.trim(), mark: mark === "" ? undefined : mark };
}

/**
 * Durably says that there is a store, without a mark. Other processes may do the same at this moment: all of them write
 * the same bytes to the same file. A file that has a mark is never written to, because `writeMark` puts another file in
 * its place, which is longer.
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

/** Durably replaces the mark. Of several processes that do so at once one wins, and readers always see a whole file. */
export async function writeMark(root: string, mark: string): Promise<void> {
  if (/[\r\n]/.test(mark)) throw new RangeError("A mark is one line");
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
