import { lstat, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ContentListing, StoredFile } from "../../store/ports/content-store.js";
import { ignoringErrno, makeFolder, syncFolder, writeSynced } from "../file-system.js";
import { pieceOf, piecePath } from "./piece-names.js";
import { isShard } from "./shards.js";

type DiskListing = Omit<ContentListing, "shardOf">;

/** Lists the files in `root`. Files that are set aside are moved to `orphans/<time>/` and keep their path below it. */
export function createDiskListing(root: string): DiskListing {
  const aside = join(root, "orphans", new Date().toISOString().replaceAll(":", "-"));

  async function namesIn(folder: string, kind: "files" | "folders"): Promise<string[]> {
    const look = () => readdir(join(root, folder), { withFileTypes: true });
    const entries = await ignoringErrno(["ENOENT", "ENOTDIR"], look, []);
    const wanted = entries.filter((entry) => entry.isDirectory() === (kind === "folders"));
    return wanted.map(({ name }) => name).sort();
  }

  /** All entries that are not folders. A symlink is not followed. */
  async function filesIn(folder: string): Promise<(StoredFile & { readonly name: string })[]> {
    const files: (StoredFile & { readonly name: string })[] = [];
    for (const name of await namesIn(folder, "files")) {
      const found = await ignoringErrno(["ENOENT"], () => lstat(join(root, folder, name)), undefined);
      if (found === undefined) continue; // it was removed meanwhile
      const written_at = Math.floor(found.mtimeMs / 1000);
      files.push({ name, path: `${folder}/${name}`, bytes: found.size, written_at });
    }
    return files;
  }

  async function moveDurably(from: string, to: string): Promise<true> {
    await rename(from, to);
    await syncFolder(dirname(to));
    await syncFolder(dirname(from));
    return true;
  }

  return {
    pathOf: (piece) => `content/${piecePath(piece)}`,
    shards: async () => (await namesIn("content", "folders")).filter(isShard),
    async listShard(shard) {
      const files = await filesIn(`content/${shard}`);
      return files.map(({ name, ...file }) => ({ ...file, piece: pieceOf(shard, name) }));
    },
    async strayFiles() {
      const others = (await namesIn("content", "folders")).filter((name) => !isShard(name));
      const stray: StoredFile[] = [];
      for (const folder of ["content", ...others.map((name) => `content/${name}`)]) {
        stray.push(...(await filesIn(folder)).map(({ name, ...file }) => file));
      }
      return stray;
    },
    has: async (path) =>
      (await ignoringErrno(["ENOENT", "ENOTDIR"], () => lstat(join(root, path)), undefined)) !== undefined,
    async setAside(path) {
      const to = join(aside, path);
      await makeFolder(dirname(to));
      return ignoringErrno(["ENOENT"], () => moveDurably(join(root, path), to), false);
    },
    async keepAside(name, content) {
      await makeFolder(aside);
      await writeSynced(join(aside, name), "w", content);
      await syncFolder(aside);
    },
  };
}
