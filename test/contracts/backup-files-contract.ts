import { describe, expect, it } from "vitest";
import type { BackupFiles } from "../../src/store/ports/backup-files.js";

/** The tests that every place of a backup has to pass. `open` makes an empty one that the test owns. */
export function backupFilesContract(name: string, open: () => Promise<BackupFiles>): void {
  const write = async (files: BackupFiles, path: string, ...parts: string[]) => {
    const draft = await files.create();
    for (const part of parts) await draft.write(Buffer.from(part));
    await draft.commit(path);
    await draft.discard();
  };
  const read = async (files: BackupFiles, path: string) => {
    const file = await files.open(path);
    if (file === undefined) return undefined;
    const bytes = await file.read(0, file.bytes + 1).finally(() => file.close());
    return Buffer.from(bytes).toString();
  };

  describe(`${name} as BackupFiles`, () => {
    it("a file has its name when it is committed, in folders that are made, and replaces the one before", async () => {
      const files = await open();
      const draft = await files.create();
      await draft.write(Buffer.from("half"));
      expect(await files.list("")).toEqual([]);
      await draft.discard();
      expect(await files.list("")).toEqual([]);
      await write(files, "content/ab/abc", "on", "", "e");
      await write(files, "backup.json", "1");
      await write(files, "backup.json", "2!");
      await write(files, ".hidden", "");
      await files.sync();
      expect(await files.list("")).toEqual(["backup.json", "content"]);
      expect(await files.list("content")).toEqual(["ab"]);
      expect(await files.list("content/ab")).toEqual(["abc"]);
      expect(await files.list("none/at/all")).toEqual([]);
      expect(await read(files, "content/ab/abc")).toBe("one");
      expect(await read(files, "backup.json")).toBe("2!");
      expect(await read(files, ".hidden")).toBe("");
      expect(await files.bytesOf("content/ab/abc")).toBe(3);
    });

    it("what is absent is undefined, and may be removed", async () => {
      const files = await open();
      expect(await files.open("backup.json")).toBeUndefined();
      expect(await files.bytesOf("content/ab/abc")).toBeUndefined();
      await files.remove("backup.json");
      await write(files, "backup.json", "1");
      await files.remove("backup.json");
      await files.sync();
      expect(await files.list("")).toEqual([]);
    });

    it("a file is read in parts", async () => {
      const files = await open();
      await write(files, "rows", "0123456789");
      const file = await files.open("rows");
      expect(Buffer.from((await file?.read(3, 4)) ?? []).toString()).toBe("3456");
      expect(Buffer.from((await file?.read(8, 4)) ?? []).toString()).toBe("89");
      expect(await file?.read(10, 4)).toHaveLength(0);
      await file?.close();
    });
  });
}
