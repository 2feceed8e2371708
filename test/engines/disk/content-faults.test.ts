import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createDiskContentStore } from "../../../src/engines/disk/disk-content-store.js";
import { writeFormat } from "../../../src/engines/disk/format-file.js";
import { ArtifactError, type ErrorCode } from "../../../src/store/model/errors.js";
import { reserveBytes } from "../../../src/store/model/limits.js";
import type { ContentStore, NamedPiece, PieceWriter } from "../../../src/store/ports/content-store.js";
import { temporaryDirectory } from "../../support/directories.js";
import type { Errno } from "../../support/faulty-disk.js";
import { silentLog } from "../../support/silent-log.js";

/*
 * One after the other, each call that a method makes on the disk fails, with every errno that a disk may report. The
 * method must either succeed or report the right error. Nothing that was durable before may be lost. When the disk
 * works again, the same call on the same store must succeed.
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

const session = "0123456789abcdef0123456789abcdef";
const other = "fedcba9876543210fedcba9876543210";
const large = "0123456789".repeat(300_000);

/** A store with a piece, a second one and a mark, all durable. */
interface Scene {
  readonly root: string;
  readonly store: ContentStore;
  readonly pieces: readonly [NamedPiece, NamedPiece];
  /** The writer of a third piece. Its bytes `abc` are durable. */
  readonly writer: PieceWriter;
}

async function put(store: ContentStore, text: string, of = session): Promise<NamedPiece> {
  const writer = await store.createPiece(of, 0);
  try {
    await writer.write(Buffer.from(text));
    await writer.sync();
  } finally {
    await writer.close();
  }
  return { name: writer.name, bytes: text.length };
}

async function read(store: ContentStore, of: string, { name, bytes }: NamedPiece): Promise<string | undefined> {
  const reader = await store.openPiece(of, { name, bytes });
  if (reader === undefined) return undefined;
  try {
    return Buffer.from(await reader.read(0, bytes)).toString();
  } finally {
    await reader.close();
  }
}

async function setScene(root: string): Promise<Scene> {
  // Only the shards that are used, because all of them would take most of the time.
  for (const shard of ["0", "f"]) await mkdir(join(root, "content", shard), { recursive: true });
  await writeFormat(root);
  const store = createDiskContentStore(root, silentLog);
  await store.writeMark("id 1");
  const pieces = [await put(store, "first"), await put(store, "second")] as const;
  const writer = await store.createPiece(session, 0);
  await writer.write(Buffer.from("abc"));
  await writer.sync();
  return { root, store, pieces, writer };
}

interface Operation {
  readonly name: string;
  /** Runs the operation and reads what it should have made. */
  act(scene: Scene): Promise<unknown>;
  /** The result of `act` after a success. */
  readonly answer: unknown;
  /** It makes a piece. After a failure the piece is gone, unless the disk cannot remove it. */
  readonly makes?: boolean;
  /** It removes or moves the second piece. */
  readonly takesSecond?: boolean;
}

const operations: readonly Operation[] = [
  {
    name: "a new piece",
    act: async ({ store }) => read(store, other, await put(store, "text", other)),
    answer: "text",
  },
  {
    name: "a large piece, which is written in several blocks",
    act: async ({ store }) => (await read(store, other, await put(store, large, other))) === large,
    answer: true,
  },
  {
    name: "a fold",
    async act({ store, pieces }) {
      const name = await store.fold(session, pieces, 0);
      return read(store, session, { name: name ?? "", bytes: 11 });
    },
    answer: "firstsecond",
    makes: true,
  },
  {
    name: "a copy",
    async act({ store, pieces }) {
      const name = await store.copy(session, pieces[0], other, 0);
      return read(store, other, { name: name ?? "", bytes: 5 });
    },
    answer: "first",
    makes: true,
  },
  {
    name: "a copy of less than a whole piece",
    async act({ store, pieces }) {
      const name = await store.copy(session, { ...pieces[0], bytes: 3 }, other, 0);
      return read(store, other, { name: name ?? "", bytes: 3 });
    },
    answer: "fir",
    makes: true,
  },
  {
    name: "a removal",
    async act({ store, pieces }) {
      await store.remove([{ session, name: pieces[1].name }]);
      return read(store, session, pieces[1]);
    },
    answer: undefined,
    takesSecond: true,
  },
  { name: "a read", act: ({ store, pieces }) => read(store, session, pieces[0]), answer: "first" },
  {
    name: "a listing",
    act: async ({ store }) => [await store.shards(), (await store.listShard("0")).length, await store.strayFiles()],
    answer: [["0", "f"], 3, []],
  },
  {
    name: "a new mark",
    async act({ store }) {
      await store.writeMark("id 2");
      return store.readMark();
    },
    answer: "id 2",
  },
  {
    name: "setting aside",
    async act({ store, pieces }) {
      await store.setAside(`content/0/${session}.${pieces[1].name}`);
      await store.keepAside("rows", "[]");
      return read(store, session, pieces[1]);
    },
    answer: undefined,
    takesSecond: true,
  },
];

const filesOf = async (root: string): Promise<string[]> =>
  (await readdir(join(root, "content"), { recursive: true })).filter((path) => path.includes(".")).sort();

function expectClear(error: unknown, errno: Errno): void {
  if (!(error instanceof ArtifactError)) throw error;
  expect(error.code).toBe(codes[errno]);
  expect(error.message).not.toContain("unknown reason");
  if (errno === "EFBIG" || errno === "EPERM") expect(error.message).toContain(errno);
}

/** Lets one call fail. Returns false if the operation makes fewer calls. */
async function failAt(root: string, operation: Operation, errno: Errno, call: number, isLasting: boolean) {
  const scene = await setScene(root);
  const before = await filesOf(root);
  disk.fail({ errno, call, isLasting });
  const outcome = await operation.act(scene).then(
    (answer) => ({ answer, error: undefined }),
    (error: unknown) => ({ answer: undefined, error }),
  );
  const hasFailed = disk.mend();
  const { store, pieces, writer } = scene;
  if (outcome.error !== undefined) {
    expectClear(outcome.error, errno);
    // If the read of the new piece failed, the piece is still there.
    const left = (await filesOf(root)).filter((path) => !before.includes(path));
    for (const path of operation.makes && !isLasting ? left : []) {
      const [, file = ""] = path.split("/");
      const [of = "", name = ""] = file.split(".");
      expect(await read(store, of, { name, bytes: 100 })).toBe(operation.answer);
    }
  } else expect(outcome.answer).toEqual(operation.answer);
  expect(await read(store, session, pieces[0])).toBe("first");
  if (!operation.takesSecond) expect(await read(store, session, pieces[1])).toBe("second");
  expect(await readFile(join(root, "format"), "utf8")).toMatch(/^2\nid [12]\n$/);
  if (operation.name !== "a listing") expect(await operation.act(scene)).toEqual(operation.answer);
  await writer.close();
  // The file that is kept aside is truncated and written again as a whole.
  expect(disk.usedAfterFailure.filter((use) => !use.endsWith("/rows"))).toEqual([]);
  expect(disk.openFiles).toBe(0);
  return hasFailed;
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
    .filter(({ errno, isKnown }) => isLong || isKnown || errno === "ENOSPC" || errno === "EIO");

  const name = "survives $errno from any one call (from then on: $isLasting, file system known: $isKnown)";
  it.each(faults)(name, async ({ errno, isLasting, isKnown }) => {
    const folder = await temporaryDirectory();
    for (let call = 1; ; call += 1) {
      disk.reset();
      disk.isKnown = isKnown;
      if (!(await failAt(join(folder, String(call)), operation, errno, call, isLasting))) break;
    }
  });

  it.each([undefined, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV", "EINVAL"])(
    "works if link fails with %s and writes are cut short",
    async (errno) => {
      disk.reset();
      disk.isKnown = true;
      const scene = await setScene(await temporaryDirectory());
      disk.linkErrno = errno;
      disk.writesHalf = true;
      expect(await operation.act(scene)).toEqual(operation.answer);
      await scene.writer.close();
      expect(disk.openFiles).toBe(0);
    },
  );
});

describe("a writer of a piece", () => {
  it.each(["EIO", "ENOSPC"] as const)("whose sync fails with %s never reports a success later", async (errno) => {
    for (const isKnown of [true, false]) {
      disk.reset();
      disk.isKnown = isKnown;
      const { store, writer } = await setScene(await temporaryDirectory());
      await writer.write(Buffer.from("def"));
      disk.fail({ errno, call: 1, isLasting: false });
      await expect(writer.sync()).rejects.toMatchObject({ code: codes[errno] });
      disk.mend();
      await writer.close();
      const durable = { name: writer.name, bytes: 3 };
      expect(await read(store, session, durable)).toBe("abc");
      expect(disk.usedAfterFailure).toEqual([]);
    }
  });

  it("keeps the failure of a block, so that the next sync fails too", async () => {
    disk.reset();
    disk.isKnown = true;
    const { writer } = await setScene(await temporaryDirectory());
    disk.fail({ errno: "EIO", call: 1, isLasting: false });
    await writer.write(Buffer.from("def"));
    for (let time = 0; time < 2; time += 1) await expect(writer.sync()).rejects.toMatchObject({ code: "internal" });
    await writer.close();
  });
});

describe("the reserve", () => {
  it("takes as much room as there is, and is made whole when there is more", async () => {
    disk.reset();
    const root = await temporaryDirectory();
    await writeFile(join(root, "metadata.sqlite"), Buffer.alloc(reserveBytes)); // with fewer bytes no reserve is made
    const store = createDiskContentStore(root, silentLog);
    disk.writesHalf = true;
    await store.restoreReserve();
    expect((await stat(join(root, "reserve"))).size).toBe(reserveBytes / 2);
    disk.writesHalf = false;
    await store.restoreReserve();
    expect((await stat(join(root, "reserve"))).size).toBe(reserveBytes);
  });
});
