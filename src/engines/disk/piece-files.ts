import { type FileHandle, link, open, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { PieceName, PieceWriter } from "../../store/ports/content-store.js";
import { ignoringErrno, noHardLinkErrnos, syncFolder } from "../file-system.js";
import { newPieceName, piecePath } from "./piece-names.js";
import { createPieceWriter, pieceFlags } from "./piece-writer.js";
import { contentFolder, restoreShard, shardOf } from "./shards.js";

/** The files of pieces under `root`: how they are made, found and removed. */
export class PieceFiles {
  readonly #root: string;
  readonly #content: string;
  readonly #onGrowth: (bytes: number) => Promise<void>;
  #flags: number | undefined;
  /** Whether this process has synced the names of the shards. A process that made one again may have died before. */
  #hasSyncedShards = false;

  /** @param onGrowth called behind each sync of a piece, with the bytes that have been written since the one before */
  constructor(root: string, onGrowth: (bytes: number) => Promise<void>) {
    this.#root = root;
    this.#onGrowth = onGrowth;
    this.#content = contentFolder(root);
  }

  async begin(session: string, start: number): Promise<PieceWriter> {
    this.#flags ??= await pieceFlags(this.#content);
    const name = newPieceName(start);
    const shard = this.#shardFolder(session);
    const folders = this.#hasSyncedShards ? [shard] : [shard, this.#content];
    const piece = { path: this.#path({ session, name }), name, flags: this.#flags, folders };
    const writer = await ignoringErrno(
      ["ENOENT"],
      () => createPieceWriter(piece),
      async () => {
        await restoreShard(this.#root, shardOf(session));
        return createPieceWriter(piece);
      },
    );
    let written = 0;
    const write = (bytes: Uint8Array): Promise<void> => {
      written += bytes.length;
      return writer.write(bytes);
    };
    const sync = async (): Promise<void> => {
      await writer.sync();
      this.#hasSyncedShards = true;
      const growth = written;
      written = 0;
      await this.#onGrowth(growth);
    };
    return { ...writer, write, sync };
  }

  /**
   * Durably makes a piece of what `fill` writes.
   *
   * @param fill answers false if there is nothing to make
   * @returns the piece's name; undefined, with nothing left, if `fill` answered false
   */
  async make(session: string, start: number, fill: (writer: PieceWriter) => Promise<boolean>) {
    const writer = await this.begin(session, start);
    const path = this.#path({ session, name: writer.name });
    const isWhole = await removedOnFailure(path, async () => {
      try {
        const isFilled = await fill(writer);
        if (isFilled) await writer.sync();
        return isFilled;
      } finally {
        await writer.close();
      }
    });
    if (isWhole) return writer.name;
    await unlink(path);
    return undefined;
  }

  /**
   * Durably gives a piece's file a second name, under another session.
   *
   * @param file the piece, open
   * @returns the new piece's name; undefined if the file system gives it none
   */
  async share(file: FileHandle, piece: PieceName, session: string, start: number): Promise<string | undefined> {
    const name = newPieceName(start);
    const path = this.#path({ session, name });
    const attempt = async (): Promise<true> => {
      // Both names share the time: a copy that no row names yet must not look old to a sweep.
      const now = new Date();
      await file.utimes(now, now);
      await link(this.#path(piece), path);
      return true;
    };
    const isLinked = await ignoringErrno([...noHardLinkErrnos, "ENOENT"], attempt, false);
    if (!isLinked) return undefined;
    await removedOnFailure(path, () => syncFolder(this.#shardFolder(session)));
    return name;
  }

  /** The piece's file, for reading; undefined if it is gone. */
  async find(piece: PieceName): Promise<FileHandle | undefined> {
    const path = this.#path(piece);
    return ignoringErrno(["ENOENT"], () => open(path, "r"), undefined);
  }

  async remove(pieces: readonly PieceName[]): Promise<void> {
    for (const piece of pieces) await ignoringErrno(["ENOENT"], () => unlink(this.#path(piece)), undefined);
    // Also where a piece was gone already: the process that removed it may have died before it synced.
    const folders = new Set(pieces.map(({ session }) => this.#shardFolder(session)));
    for (const folder of folders) await ignoringErrno(["ENOENT"], () => syncFolder(folder), undefined);
  }

  #path(piece: PieceName): string {
    return join(this.#content, piecePath(piece));
  }

  #shardFolder(session: string): string {
    return join(this.#content, shardOf(session));
  }
}

/** Removes a file that no row will name, as well as it can. */
async function removedOnFailure<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }
}
