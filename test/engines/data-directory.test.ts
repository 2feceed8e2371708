import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type DataDirectory, openDataDirectory } from "../../src/engines/data-directory.js";
import { inspectDataDirectory } from "../../src/engines/data-root.js";
import { temporaryDirectory } from "../support/directories.js";
import { silentLog } from "../support/silent-log.js";

const session = "0123456789abcdef0123456789abcdef";

async function opened(root: string, act: (directory: DataDirectory) => Promise<void> = async () => {}): Promise<void> {
  const directory = await openDataDirectory(root, {}, silentLog);
  try {
    await act(directory);
  } finally {
    await directory.close();
  }
}

/** Expects that opening and inspecting both fail with one line that matches, and that nothing is changed. */
async function expectRefusal(root: string, message: RegExp): Promise<void> {
  const before = await readdir(root, { recursive: true });
  for (const begin of [() => inspectDataDirectory(root, {}), () => openDataDirectory(root, {}, silentLog)]) {
    const attempt = begin();
    const failure = expect.objectContaining({ name: "DataDirectoryError", message: expect.stringMatching(message) });
    await expect(attempt).rejects.toEqual(failure);
    await attempt.catch((error: Error) => expect(error.message).not.toMatch(/\n|--root/));
  }
  expect(await readdir(root, { recursive: true })).toEqual(before);
}

describe("openDataDirectory()", () => {
  it("makes a store of format 2, for the owner alone", async () => {
    const root = join(await temporaryDirectory(), "above", "store");
    expect(await inspectDataDirectory(root, {})).toBe("missing");
    await opened(root);
    const names = (await readdir(root)).filter((name) => !/-(?:wal|shm)$/.test(name)).sort();
    expect(names).toEqual(["content", "format", "metadata.sqlite"]);
    expect(await readFile(join(root, "format"), "utf8")).toBe("2\n\n");
    expect(await readdir(join(root, "content"))).toHaveLength(16);
    for (const [path, mode] of [
      ["", 0o700],
      ["content/7", 0o700],
      ["format", 0o600],
      ["metadata.sqlite", 0o600],
    ] as const) {
      expect((await stat(join(root, path))).mode & 0o777, path).toBe(mode);
    }
    expect(await inspectDataDirectory(root, {})).toBe("store");
  });

  it("finds content and mark again, and can be opened by any number of processes", async () => {
    const root = await temporaryDirectory();
    const directories = await Promise.all(Array.from({ length: 6 }, () => openDataDirectory(root, {}, silentLog)));
    const [first, last] = [directories[0] as DataDirectory, directories[5] as DataDirectory];
    await first.content.writeMark("id 1");
    const writer = await first.content.createPiece(session, 0);
    await writer.write(Buffer.from("content"));
    await writer.sync();
    await writer.close();
    expect(await last.content.readMark()).toBe("id 1");
    await Promise.all(directories.map((directory) => directory.close()));
    await opened(root, async ({ content }) => {
      expect(await content.readMark()).toBe("id 1");
      expect(await content.listShard("0")).toMatchObject([{ piece: { session, name: writer.name }, bytes: 7 }]);
    });
  });

  it("opens a store whose content was partly or wholly deleted, and a store with a short format file", async () => {
    const root = await temporaryDirectory();
    await opened(root);
    for (const folder of ["content/a", "content"]) {
      await rm(join(root, folder), { recursive: true });
      expect(await inspectDataDirectory(root, {})).toBe("store");
      await opened(root);
      expect(await readdir(join(root, "content"))).toHaveLength(16);
    }
    await writeFile(join(root, "format"), "2\n");
    await opened(root);
    expect(await readFile(join(root, "format"), "utf8")).toBe("2\n");
  });

  it("finishes a store if a process died while it made the store", async () => {
    const root = await temporaryDirectory();
    for (const folder of ["content", "content/0", "content/1"]) await mkdir(join(root, folder));
    for (const file of ["metadata.sqlite", "format"]) await writeFile(join(root, file), "");
    expect(await inspectDataDirectory(root, {})).toBe("empty");
    await opened(root);
    expect(await readdir(join(root, "content"))).toHaveLength(16);
    expect(await inspectDataDirectory(root, {})).toBe("store");
  });

  it("does not touch files that are not its own", async () => {
    const root = await temporaryDirectory();
    await mkdir(join(root, "content", "mine"), { recursive: true });
    for (const file of ["notes", "content/mine/notes"]) await writeFile(join(root, file), "mine");
    await opened(root);
    for (const file of ["notes", "content/mine/notes"]) expect(await readFile(join(root, file), "utf8")).toBe("mine");
  });

  it("rejects other formats, and says what to do", async () => {
    const root = await temporaryDirectory();
    const refusals: readonly (readonly [string, RegExp])[] = [
      ["1\n", /format 1 of an earlier preview, and this program reads format 2: export .* another data directory\.$/],
      ["0\n", /format 0 of an earlier preview, and this program reads format 2/],
      ["3\nid 1\n", /format 3, and this program reads format 2: use the newer version .* another data directory\.$/],
      ["two\n", /unreadable format, and this program reads format 2/],
      ["\n2\n", /unreadable format/],
    ];
    for (const [text, message] of refusals) {
      await writeFile(join(root, "format"), text);
      await expectRefusal(root, message);
    }
  });

  it("rejects a store without its database", async () => {
    const root = await temporaryDirectory();
    await opened(root);
    await rm(join(root, "metadata.sqlite"));
    await expectRefusal(root, /metadata\.sqlite is missing or empty.*another data directory\.$/);
  });

  it("does not make a store if one must exist", async () => {
    const root = await temporaryDirectory();
    const attempt = openDataDirectory(root, { mustExist: true }, silentLog);
    await expect(attempt).rejects.toThrow(/^There is no store in /);
    expect(await readdir(root)).toEqual([]);
  });

  it("always returns the same signing key, and reports a file that contains no key", async () => {
    const root = await temporaryDirectory();
    await opened(root, async ({ signingKey }) => {
      expect(await signingKey()).toEqual(await signingKey());
      await writeFile(join(root, "signing-key"), "short");
      const failure = { name: "DataDirectoryError", message: expect.stringMatching(/signing-key contains no key/) };
      await expect(signingKey()).rejects.toMatchObject(failure);
      expect(await readFile(join(root, "signing-key"), "utf8")).toBe("short");
    });
  });
});
