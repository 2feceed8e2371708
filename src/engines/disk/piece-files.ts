import { type FileHandle, link, open, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { PieceName, PieceWriter } from "../../store/ports/content-store.js";
import { ignoringErrno, noHardLinkErrnos, syncFolder } from "../file-system.js";
import { newPieceName, piecePath } from "./piece-names.js";
import { createPieceWriter, pieceFlags } from "./piece-writer.js";
import { contentFolder, restoreShard, shardOf } from "./shards.js";

/** Makes, finds and removes the files of pieces in `root`. */
export class PieceFiles {
  readonly #root: string;
  readonly #content: string;
  readonly #onGrowth: (bytes: number) => Promise<void>;
  #flags: number | undefined;
  /**
   * Whether this process has synced the names of the shards. A process that made a shard may have died before its sync.
   */
  #hasSyncedShards = false;

  /** @param onGrowth called after each sync of a piece, with the bytes written since the last one */
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
   * Durably makes a piece from the bytes that `fill` writes.
   *
   * @param fill returns false if the piece cannot be made
   * @returns the name of the piece; undefined if `fill` returned false, and then nothing is left
   */
  async make(session: string, start: number, fill: (writer: PieceWriter) => Promise<boolean>) {
    const writer = await this.begin(session, start);
    const path = this.#path({ session, name: writer.name });
    const isWhole = await removingOnFailure(path, async () => {
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
   * Durably gives the file of a piece a second name, for another session.
   *
   * @param file the open file of the piece
   * @returns the name of the new piece; undefined if the file system cannot link the file
   */
  async share(file: FileHandle, piece: PieceName, session: string, start: number): Promise<string | undefined> {
    const name = newPieceName(start);
    const path = this.#path({ session, name });
    const attempt = async (): Promise<true> => {
      // Both names share the time of the file. A copy that no row names yet must not look old to a sweep.
      const now = new Date();
      await file.utimes(now, now);
      await link(this.#path(piece), path);
      return true;
    };
    const isLinked = await ignoringErrno([...noHardLinkErrnos, "ENOENT"], attempt, false);
    if (!isLinked) return undefined;
    await removingOnFailure(path, () => syncFolder(this.#shardFolder(session)));
    return name;
  }

  /** Opens the file of a piece for reading; undefined if it is gone. */
  async find(piece: PieceName): Promise<FileHandle | undefined> {
    const path = this.#path(piece);
    return ignoringErrno(["ENOENT"], () => open(path, "r"), undefined);
  }

  async remove(pieces: readonly PieceName[]): Promise<void> {
    for (const piece of pieces) await ignoringErrno(["ENOENT"], () => unlink(this.#path(piece)), undefined);
    // Sync also if a piece was gone already: the process that removed it may have died before its sync.
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

/** Runs `act`. If it fails, tries to remove the file, because no row will name it. */
async function removingOnFailure<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }
}
