import { lstat, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BlobListing, StoredFile } from "../store/blob-store.js";
import { makeFolder, orElse, syncFolder, writeSynced } from "./file-system.js";

/** What lies under `root`; what is set aside goes to `orphans/<time>/`, under its path. */
export function createDiskListing(root: string): BlobListing {
  const aside = join(root, "orphans", new Date().toISOString().replaceAll(":", "-"));

  async function namesIn(folder: string, isFolder: boolean): Promise<string[]> {
    const entries = await orElse(["ENOENT"], () => readdir(join(root, folder), { withFileTypes: true }), []);
    return entries.filter((entry) => entry.isDirectory() === isFolder).map(({ name }) => name);
  }

  async function filesIn(folder: string): Promise<StoredFile[]> {
    const files: StoredFile[] = [];
    for (const name of await namesIn(folder, false)) {
      const found = await orElse(["ENOENT"], () => lstat(join(root, folder, name)), undefined);
      if (found === undefined) continue; // removed meanwhile
      const written_at = Math.floor(found.mtimeMs / 1000);
      files.push({ name, path: `${folder}/${name}`, bytes: found.size, written_at });
    }
    return files;
  }

  async function move(from: string, to: string): Promise<true> {
    await rename(from, to);
    await syncFolder(dirname(to));
    await syncFolder(dirname(from));
    return true;
  }

  return {
    stagedSessions: () => namesIn("uploads", true),
    stagedFiles: (session) => filesIn(`uploads/${session}`),
    shelves: () => namesIn("blobs", true),
    shelvedBlobs: (shelf) => filesIn(`blobs/${shelf}`),
    strayFiles: async () => [...(await filesIn("uploads")), ...(await filesIn("blobs"))],
    async setAside(path) {
      const to = join(aside, path);
      await makeFolder(dirname(to));
      return orElse(["ENOENT"], () => move(join(root, path), to), false);
    },
    async keepAside(name, text) {
      await makeFolder(aside);
      await writeSynced(join(aside, name), "w", text);
      await syncFolder(aside);
    },
  };
}
