import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createDiskContentStore } from "../../../src/engines/disk/disk-content-store.js";
import { writeFormat } from "../../../src/engines/disk/format-file.js";
import { makeShards } from "../../../src/engines/disk/shards.js";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { StoreOptions } from "../../../src/store/store.js";
import { temporaryDirectory } from "../../support/directories.js";
import { failOnce } from "../../support/faults.js";
import { silentLog } from "../../support/silent-log.js";
import { bytesOf, createMemoryEngines, noRowPieces, saveText, storeOn, textOf } from "../../support/stores.js";

const at = { bucket: "b", key: "k" };
const text = "the source, which nothing writes to";

/** A store on a disk, with one version, and the file of that version. */
async function begin(options: Partial<StoreOptions> = {}) {
  const root = await temporaryDirectory();
  await makeShards(root);
  await writeFormat(root);
  const engines = { ...createMemoryEngines(), content: createDiskContentStore(root, silentLog) };
  const pieceLimits = { ...noRowPieces, maxPieces: 3, maxPublishedPieces: 2 };
  const on = (other: Pick<StoreOptions, "metadata" | "content"> = engines) =>
    storeOn(other, { pieceLimits, ...options });
  const store = on();
  await saveText(store, "b", "k", text);
  const files = async (): Promise<string[]> => {
    const content = join(root, "content");
    const shards = await readdir(content);
    const found = await Promise.all(shards.map((shard) => readdir(join(content, shard))));
    return found.flatMap((names, n) => names.map((name) => join(content, shards[n] ?? "", name)));
  };
  const [source = ""] = await files();
  const { ino, size } = await stat(source);
  const expectUntouched = async (): Promise<void> => {
    const now = await stat(source);
    expect({ ino: now.ino, size: now.size }).toEqual({ ino, size });
    expect(await readFile(source, "utf8")).toBe(text);
  };
  const links = async (): Promise<number> => (await stat(source)).nlink;
  return { engines, store, on, links, expectUntouched };
}

describe("an upload that begins with a version on a disk", () => {
  it("shares its file, and writes what follows to files of its own", async () => {
    const { store, on, links, expectUntouched } = await begin();
    const { id, offset } = await store.uploads.create({ ...at, from: at });
    expect(await links()).toBe(2);
    await store.uploads.append(id, offset, bytesOf("1"));
    await on().uploads.append(id, offset + 1, bytesOf("2")); // another process, so another piece
    await expectUntouched();
    expect(await links()).toBe(2);
    await on().uploads.append(id, offset + 2, bytesOf("3")); // too many pieces: they become one
    expect(await links()).toBe(1);
    await store.uploads.complete(id);
    await expectUntouched();
    expect(await textOf(store, "b", "k")).toBe(`${text}123`);
    await store.artifacts.delete("b", "k", { version: 2 });
    await expectUntouched();
  });

  it("leaves that file as it is if it is aborted, or loses a race", async () => {
    const { store, on, expectUntouched } = await begin();
    const { id, offset } = await store.uploads.create({ ...at, from: at });
    const both = [on(), on()].map((other, n) => other.uploads.append(id, offset, bytesOf(`${n}`)));
    await Promise.allSettled(both);
    await expectUntouched();
    await store.uploads.abort(id);
    await expectUntouched();
  });

  it("leaves that file as it is, whichever step fails", async () => {
    for (let failing = 1; ; failing += 1) {
      const { engines, on, expectUntouched } = await begin();
      const view = failOnce(engines, failing, new ArtifactError("internal", "EIO"), failing % 2 === 0);
      const { uploads } = on(view);
      const extend = async (): Promise<void> => {
        const { id, offset } = await uploads.create({ ...at, from: at });
        await uploads.append(id, offset, bytesOf("more"));
        await uploads.append(id, offset + 4, bytesOf("and more"));
        await uploads.complete(id);
      };
      await extend().catch((error) => expect(error).toBeInstanceOf(ArtifactError));
      await expectUntouched();
      if (view.steps() < failing) break;
    }
  });
});
