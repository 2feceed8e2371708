import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createDiskContentStore } from "../../../src/engines/disk/disk-content-store.js";
import { toArtifactError } from "../../../src/engines/engine-error.js";
import { sha256Of } from "../../../src/store/model/artifact.js";
import { ArtifactError, type ErrorCode } from "../../../src/store/model/errors.js";
import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import type { Store } from "../../../src/store/store.js";
import { temporaryDirectory } from "../../support/directories.js";
import { failOnce } from "../../support/faults.js";
import type { Errno } from "../../support/faulty-disk.js";
import { createMemoryMetadataStore } from "../../support/memory-metadata-store.js";
import { silentLog } from "../../support/silent-log.js";
import { bytesOf, noRowPieces, saveText, storeOn, textOf } from "../../support/stores.js";

/*
 * One after the other, each call that an operation makes on the disk fails, with every errno that a disk may report.
 * The operation must either succeed or report the right error. When the disk works again, the same operation on the
 * same store must succeed. Nothing that was acknowledged before may be lost.
 *
 * All content is in files, except in the scenes that say otherwise.
 */

const { disk } = await vi.hoisted(async () => {
  const { FaultyDisk } = await import("../../support/faulty-disk.js");
  return { disk: new FaultyDisk() };
});
vi.mock("node:fs/promises", async (importActual) => disk.wrap(await importActual()));

const isLong = process.env["ARTIFACTS_LONG"] === "1";
const codes: Readonly<Record<Errno, ErrorCode>> = {
  ENOSPC: "storage_full",
  EDQUOT: "storage_full",
  EROFS: "read_only",
  EIO: "internal",
  EMFILE: "internal",
  EFBIG: "storage_full",
  EPERM: "read_only",
};
const errnos = Object.keys(codes) as Errno[];

interface Operation {
  readonly name: string;
  /**
   * Runs while the disk works. `store` belongs to the process whose disk fails later, `other` to another process.
   *
   * @returns the id that `act` and `verify` get
   */
  prepare(store: Store, other: Store): Promise<string>;
  act(store: Store, id: string): Promise<unknown>;
  /** Repeats the operation and checks its result. @param hasAnswered it has succeeded the first time */
  verify(store: Store, id: string, hasAnswered: boolean): Promise<void>;
}

async function begun({ uploads }: Store, text: string, options = {}): Promise<string> {
  const { id } = await uploads.create({ bucket: "b", key: "k", ...options });
  if (text !== "") await uploads.append(id, 0, bytesOf(text));
  return id;
}

/** Sends the rest of `content` from the offset of the session, which must be at least `least`, and completes. */
async function finish({ uploads }: Store, id: string, content: string, least: number): Promise<void> {
  const { offset } = await uploads.get(id);
  expect(offset).toBeGreaterThanOrEqual(least);
  await uploads.append(id, offset, bytesOf(content.slice(offset)));
  expect(await uploads.complete(id)).toMatchObject({ status: "complete", offset: content.length });
}

const notFound = { code: "artifact_not_found" };

const large = "0123456789".repeat(700_000);

const operations: readonly Operation[] = [
  {
    name: "the first chunk",
    prepare: (store) => begun(store, ""),
    act: ({ uploads }, id) => uploads.append(id, 0, bytesOf("abc")),
    async verify(store, id, hasAnswered) {
      await finish(store, id, "abcdef", hasAnswered ? 3 : 0);
      expect(await textOf(store, "b", "k")).toBe("abcdef");
    },
  },
  {
    name: "a chunk after another",
    prepare: (store) => begun(store, "abc"),
    act: ({ uploads }, id) => uploads.append(id, 3, bytesOf("def")),
    async verify(store, id, hasAnswered) {
      await finish(store, id, "abcdefghi", hasAnswered ? 6 : 3);
      expect(await textOf(store, "b", "k")).toBe("abcdefghi");
    },
  },
  {
    name: "a large chunk, which is written in several blocks",
    prepare: (store) => begun(store, "abc"),
    act: ({ uploads }, id) => uploads.append(id, 3, bytesOf(large)),
    async verify(store, id, hasAnswered) {
      const content = `abc${large}ghi`;
      await finish(store, id, content, hasAnswered ? 3 + large.length : 3);
      expect((await textOf(store, "b", "k")) === content).toBe(true);
    },
  },
  {
    name: "the last chunk of a declared size",
    prepare: (store) => begun(store, "abc", { size: 6 }),
    act: ({ uploads }, id) => uploads.append(id, 3, bytesOf("def")),
    async verify(store, id) {
      await finish(store, id, "abcdef", 3);
      expect(await textOf(store, "b", "k")).toBe("abcdef");
    },
  },
  {
    name: "a chunk past the limit of pieces, which are folded into one",
    async prepare(store, other) {
      const id = await begun(store, "a");
      for (const [offset, by] of [other, store, other].entries()) await by.uploads.append(id, offset + 1, bytesOf("b"));
      return id;
    },
    act: ({ uploads }, id) => uploads.append(id, 4, bytesOf("c")),
    async verify(store, id, hasAnswered) {
      await finish(store, id, "abbbcdef", hasAnswered ? 5 : 4);
      expect(await textOf(store, "b", "k")).toBe("abbbcdef");
    },
  },
  {
    name: "a completion of another process's pieces",
    async prepare(store, other) {
      const id = await begun(other, "abc");
      await store.uploads.append(id, 3, bytesOf("def"));
      return id;
    },
    act: ({ uploads }, id) => uploads.complete(id),
    async verify(store, id) {
      await finish(store, id, "abcdef", 6);
      expect(await textOf(store, "b", "k")).toBe("abcdef");
    },
  },
  {
    name: "content that does not match the announced digest",
    prepare: (_, other) => begun(other, "abc", { size: 6, sha256: "0".repeat(64) }),
    act: ({ uploads }, id) => uploads.append(id, 3, bytesOf("def")),
    async verify({ uploads, artifacts }, id) {
      await expect(uploads.append(id, 0, bytesOf("abcdef"))).rejects.toMatchObject({ code: "checksum_mismatch" });
      await expect(artifacts.get("b", "k")).rejects.toMatchObject(notFound);
      // The bytes are kept, so the right digest can still complete the session.
      const sha256 = sha256Of("abcdef");
      expect(await uploads.complete(id, { sha256 })).toMatchObject({ status: "complete", offset: 6 });
    },
  },
  {
    name: "a save",
    async prepare(store) {
      await saveText(store, "b", "k", "before");
      return "";
    },
    act: (store) => saveText(store, "b", "k", "text"),
    async verify(store) {
      expect(await textOf(store, "b", "k", 1)).toBe("before");
      expect(await saveText(store, "b", "k", "text")).toMatchObject({ version: 2 });
      expect(await textOf(store, "b", "k")).toBe("text");
    },
  },
  {
    name: "a save that drops the oldest version",
    async prepare(store) {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      return "";
    },
    act: (store) => saveText(store, "b", "k", "three"),
    async verify(store) {
      expect(await textOf(store, "b", "k", 2)).toBe("two");
      expect(await saveText(store, "b", "k", "three")).toMatchObject({ version: 3 });
      expect(await textOf(store, "b", "k")).toBe("three");
      await expect(store.artifacts.get("b", "k", 1)).rejects.toMatchObject(notFound);
    },
  },
  {
    name: "deleting a version",
    async prepare(store) {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      return "";
    },
    act: ({ artifacts }) => artifacts.delete("b", "k", { version: 2 }),
    async verify(store, _, hasAnswered) {
      const again = await store.artifacts.delete("b", "k", { version: 2 });
      if (hasAnswered) expect(again).toMatchObject({ already_deleted: true });
      expect(await textOf(store, "b", "k")).toBe("one");
      expect(await saveText(store, "b", "k", "three")).toMatchObject({ version: 3 });
    },
  },
  {
    name: "an upload that begins with a copy",
    async prepare(store) {
      await saveText(store, "b", "k", "one");
      return "";
    },
    act: ({ uploads }) => uploads.create({ bucket: "b", key: "copy", from: { bucket: "b", key: "k" } }),
    async verify(store) {
      const { id } = await store.uploads.create({ bucket: "b", key: "copy", from: { bucket: "b", key: "k" } });
      await finish(store, id, "one more", 3);
      expect(await textOf(store, "b", "copy")).toBe("one more");
      expect(await textOf(store, "b", "k")).toBe("one");
    },
  },
  {
    name: "an abort",
    prepare: (store) => begun(store, "abc"),
    act: ({ uploads }, id) => uploads.abort(id),
    async verify({ uploads }, id) {
      expect(await uploads.abort(id)).toMatchObject({ status: "aborted" });
    },
  },
  {
    name: "a read",
    async prepare(store) {
      await saveText(store, "b", "k", "text");
      return "";
    },
    act: (store) => textOf(store, "b", "k"),
    async verify(store) {
      expect(await textOf(store, "b", "k")).toBe("text");
    },
  },
];

/** All sessions are in one shard, so that no other shard must be made for each fault. */
const shard = "a";
const newId = (): string => `${shard}${randomBytes(15).toString("hex")}`;
const options = { keepVersions: 2, newId, pieceLimits: { ...noRowPieces, maxPieces: 4 } };

/** A data directory on the faulty disk, opened by two processes. */
async function openStores(root: string, limits = options) {
  await mkdir(join(root, "content", shard), { recursive: true });
  const metadata = createMemoryMetadataStore();
  const content = () => createDiskContentStore(root, silentLog);
  const engines = { metadata, content: content() };
  return { engines, store: storeOn(engines, limits), other: storeOn({ metadata, content: content() }, limits) };
}

/** A port that forwards each call to the port that `to` returns at that moment. */
function forwarding<Port extends object>(to: () => Port): Port {
  return new Proxy({} as Port, { get: (_, name) => to()[name as keyof Port] });
}

/** Lets one call fail. Returns false if the operation makes fewer calls. */
async function failAt(root: string, operation: Operation, errno: Errno, call: number, isLasting: boolean) {
  disk.reset();
  const { store, other } = await openStores(root);
  const id = await operation.prepare(store, other);
  disk.fail({ errno, call, isLasting });
  const error: unknown = await operation.act(store, id).then(
    () => undefined,
    (reason) => reason,
  );
  const hasFailed = disk.mend();
  if (error !== undefined) expectClear(error, hasFailed ? codes[errno] : undefined);
  await operation.verify(store, id, error === undefined);
  expect((await store.verify()).faults).toEqual([]);
  await Promise.all([store.close(), other.close()]);
  // A file whose write failed may be truncated, but must not be written again.
  const used = disk.usedAfterFailure.filter((use) => !use.endsWith("reserve") && !use.startsWith("truncate "));
  expect(used).toEqual([]);
  expect(disk.openFiles).toBe(0);
  return hasFailed;
}

/** Checks for the error of the disk. A wrong digest of the content is reported first. */
function expectClear(error: unknown, code: ErrorCode | undefined): void {
  if (!(error instanceof ArtifactError)) throw error;
  expect([code, "checksum_mismatch"]).toContain(error.code);
  expect(error.message).not.toContain("unknown reason");
}

/** Each test runs its operation some dozen times. */
describe.each(operations)("$name", (operation) => {
  const faults = errnos
    .flatMap((errno) => [
      { errno, isLasting: false, isKnown: true },
      { errno, isLasting: true, isKnown: true },
      { errno, isLasting: false, isKnown: false },
      { errno, isLasting: true, isKnown: false },
    ])
    // An unknown file system leads to other calls, but not to other errors.
    .filter(({ errno, isKnown }) => isLong || isKnown || errno === "ENOSPC");

  const name = "survives $errno from any one call (from then on: $isLasting, file system known: $isKnown)";
  it.each(faults)(name, async ({ errno, isLasting, isKnown }) => {
    disk.isKnown = isKnown;
    const folder = await temporaryDirectory();
    let call = 1;
    while (await failAt(join(folder, String(call)), operation, errno, call, isLasting)) call += 1;
  });

  it("survives writes that are cut short", async () => {
    disk.reset();
    const { store, other } = await openStores(await temporaryDirectory());
    const id = await operation.prepare(store, other);
    disk.writesHalf = true;
    await operation.act(store, id).catch((error) => expectClear(error, "checksum_mismatch"));
    await operation.verify(store, id, true);
    await Promise.all([store.close(), other.close()]);
  });
});

/** Limits with which small content is in rows, and small pieces are folded into one. */
const inRows = {
  ...options,
  pieceLimits: {
    maxRowPieceBytes: 1_024,
    maxRowChunkBytes: 1_024,
    maxRowBytes: 4_096,
    maxPieces: 4,
    maxPublishedPieces: 4,
  },
};
const places = [
  { where: "in files", limits: options },
  { where: "in rows", limits: inRows },
];
const scenes = operations.flatMap((operation) =>
  places.map((place) => ({ ...place, name: operation.name, operation })),
);

describe.each(scenes)("$name $where, on metadata that fails,", ({ operation, limits }) => {
  const faults = ["SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_BUSY"].flatMap((code) => [
    { code, isBefore: false },
    { code, isBefore: true },
  ]);

  it.each(faults)("survives $code at any step (instead of its effect: $isBefore)", async ({ code, isBefore }) => {
    disk.reset();
    const root = await temporaryDirectory();
    const fault = toArtifactError(Object.assign(new Error(code), { code }));
    for (let step = 1; ; step += 1) {
      const { engines, other } = await openStores(join(root, String(step)), limits);
      let view = failOnce(engines, 0);
      // Only the steps of the operation fail, not those before and after it.
      const metadata = forwarding<MetadataStore>(() => view.metadata);
      const store = storeOn({ ...engines, metadata }, limits);
      const id = await operation.prepare(store, other);
      view = failOnce(engines, step, fault, isBefore);
      const { steps } = view;
      const error: unknown = await operation.act(store, id).then(
        () => undefined,
        (reason) => reason,
      );
      view = failOnce(engines, 0);
      if (error !== undefined) expectClear(error, fault.code);
      await operation.verify(store, id, error === undefined);
      expect((await store.verify()).faults).toEqual([]);
      await Promise.all([store.close(), other.close()]);
      expect(disk.openFiles).toBe(0);
      if (steps() < step) break;
    }
  });
});
