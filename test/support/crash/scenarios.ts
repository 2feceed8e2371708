import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FaultKind } from "../../../src/store/maintenance/verify.js";
import { sha256Of } from "../../../src/store/model/artifact.js";
import { ArtifactError } from "../../../src/store/model/errors.js";
import { defaultMaxChunkBytes } from "../../../src/store/model/limits.js";
import type { Store } from "../../../src/store/store.js";
import type { Engines } from "../faults.js";
import { sourceOf } from "../sources.js";
import { bytesOf, saveText, storeOn, textOf } from "../stores.js";
import type { ProcessOptions, StoreProcess } from "./process.js";

type Call = (dying: StoreProcess, id: string) => Promise<unknown>;

/** An operation that a process is killed in. What it needs is prepared, and judged, by processes that live. */
export interface Scenario {
  readonly name: string;
  readonly options?: ProcessOptions;
  /** Opening the directory is part of it. */
  readonly isOpening?: boolean;
  /** What `verify` finds until the operation has been made again and a sweep has been. */
  readonly faults?: readonly FaultKind[];
  /** The file system is none of those that are known to sync what they write. */
  readonly isUnknownFileSystem?: boolean;
  /** Its bytes stay young: old ones that nothing names, not even an upload that has ended, are orphans to `verify`. */
  readonly isYoung?: boolean;
  /** Answers the session's id, where there is one. Whatever file is made here is old when the process begins. */
  prepare?(prepared: StoreProcess): Promise<string>;
  /** One call after the other; the process is killed in one of them, or behind them all. */
  readonly act: readonly Call[];
  /** What the process had answered holds, and the operation, made again, comes to its end. */
  check(store: Store, id: string, answered: number, living: StoreProcess): Promise<void>;
}

const append =
  (offset: number, text: string): Call =>
  ({ store }, id) =>
    store.uploads.append(id, offset, bytesOf(text));
const stream =
  (...texts: readonly string[]): Call =>
  ({ store }, id) =>
    store.uploads.appendStream(id, sourceOf(...texts.map(bytesOf)));
const declare =
  (size: number): Call =>
  ({ store }, id) =>
    store.uploads.declareSize(id, size);
const complete: Call = ({ store }, id) => store.uploads.complete(id);
const save =
  (text: string): Call =>
  ({ store }) =>
    saveText(store, "b", "k", text);
const remove =
  (version?: number): Call =>
  ({ store }) =>
    store.artifacts.delete("b", "k", version);
const sweep: Call = ({ store }) => store.sweep.run({ graceMs: 0 });
const repair: Call = ({ store }) => store.verify({ repair: true });

async function begun({ uploads }: Store, text: string, upload = {}): Promise<string> {
  const { id } = await uploads.create({ bucket: "b", key: "k", ...upload });
  if (text !== "") await uploads.append(id, 0, bytesOf(text));
  return id;
}

async function saved(store: Store, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) await saveText(store, "b", "k", text);
}

/** Sends what is missing of an upload and completes it. */
async function carryOn(store: Store, id: string, text: string, acknowledged: number): Promise<void> {
  let { status, offset } = await store.uploads.get(id);
  assert.ok(offset >= acknowledged, `${acknowledged} bytes were acknowledged, ${offset} are there`);
  do {
    const bytes = bytesOf(text.slice(offset, offset + defaultMaxChunkBytes));
    if (status === "open") ({ status, offset } = await store.uploads.append(id, offset, bytes));
  } while (status === "open" && offset < text.length);
  const { artifact } = await store.uploads.complete(id);
  assert.ok(artifact, "complete without an artifact");
  assert.equal(await textOf(store, "b", "k", artifact.version), text);
}

/** The key's versions are exactly these, the newest first. */
async function assertVersions(store: Store, versions: Readonly<Record<number, string>>): Promise<void> {
  const { data } = await store.artifacts.listVersions("b", "k", { limit: 9 });
  const texts = data.map(async ({ version }) => [version, await textOf(store, "b", "k", version)] as const);
  assert.deepEqual(Object.fromEntries(await Promise.all(texts)), versions);
}

async function assertGone(store: Store): Promise<void> {
  await assert.rejects(store.artifacts.get("b", "k"), { code: "artifact_not_found" });
}

type Replace = Parameters<Engines["metadata"]["replace"]>;

/** The same engines, where `first` is done once, right before the first compare-and-set that `isIt` means. */
function interrupted(
  { metadata, blobs }: Engines,
  isIt: (...values: Replace) => boolean,
  first: () => Promise<unknown>,
) {
  let isDone = false;
  const replace: typeof metadata.replace = async (...values) => {
    if (!isDone && isIt(...values)) {
      isDone = true;
      await first();
    }
    return metadata.replace(...values);
  };
  return { blobs, metadata: { ...metadata, replace } };
}

const toStatus =
  (word: string) =>
  (_key: string, _old?: string, next?: string): boolean =>
    next?.includes(`"status":"${word}"`) === true;
const isSession = (key: string): boolean => key.startsWith("session:");
const isArtifact = (key: string): boolean => key.startsWith("artifact:");

/** Leaves what `act` does where its engines fall asleep, as a process does that never wakes up again. */
function left(
  sleeping: (sleep: () => Promise<never>) => Engines,
  act: (store: Store) => Promise<unknown>,
): Promise<void> {
  return new Promise((reached, failed) => {
    const sleep = () => new Promise<never>(() => reached());
    act(storeOn(sleeping(sleep))).then(() => failed(new Error("came to its end")), failed);
  });
}

/** The same, right before a compare-and-set. */
function leftBefore(
  { engines }: StoreProcess,
  isIt: (...values: Replace) => boolean,
  act: (store: Store) => Promise<unknown>,
): Promise<void> {
  return left((sleep) => interrupted(engines, isIt, sleep), act);
}

/** A process's store for which the disk is full once, at a compare-and-set. */
function onFullDisk(dying: StoreProcess, isIt: (...values: Replace) => boolean): Store {
  const full = () => Promise.reject(new ArtifactError("storage_full", "The disk is full."));
  return dying.another(interrupted(dying.engines, isIt, full));
}

async function leaveSegment({ engines }: StoreProcess, session: string): Promise<string> {
  const writer = await engines.blobs.createSegment(session, 0);
  await writer.write(bytesOf("never counted"));
  await writer.close();
  return writer.name;
}

async function leaveBlob(prepared: StoreProcess, session: string): Promise<void> {
  await prepared.engines.blobs.install(session, await leaveSegment(prepared, session));
}

/** More than what goes to the disk at once. */
const large = "0123456789abcdef".repeat(5 << 14);

const newId = (): string => randomBytes(16).toString("hex");

export const scenarios: readonly Scenario[] = [
  {
    name: "opening a data directory for the first time",
    isOpening: true,
    act: [],
    async check(store) {
      await saved(store, "text");
      await assertVersions(store, { 1: "text" });
    },
  },
  {
    name: "creating an upload",
    act: [({ store }) => begun(store, "")],
    async check(store, _, answered) {
      const { data } = await store.uploads.list({ limit: 9 });
      assert.ok(data.length <= 1 && data.length >= answered);
      for (const { id } of data) await carryOn(store, id, "abc", 0);
      await carryOn(store, await begun(store, ""), "abc", 0);
      await assertVersions(store, { 1: "abc" });
    },
  },
  {
    name: "creating an upload of nothing, which is published at once",
    act: [({ store }) => begun(store, "", { size: 0 })],
    async check(store, _, answered) {
      if (answered === 1) assert.equal((await store.artifacts.get("b", "k")).bytes, 0);
      await begun(store, "", { size: 0 });
      await assertVersions(store, { 1: "" });
    },
  },
  {
    name: "the first chunk and the next",
    prepare: ({ store }) => begun(store, ""),
    act: [append(0, "abc"), append(3, "def")],
    check: (store, id, answered) => carryOn(store, id, "abcdef", 3 * answered),
  },
  {
    name: "a large chunk, of which some is on the disk before the rest",
    prepare: ({ store }) => begun(store, "abc"),
    act: [append(3, large)],
    check: (store, id, answered) => carryOn(store, id, `abc${large}`, 3 + large.length * answered),
  },
  {
    name: "chunks that a sync makes durable, and not their write",
    isUnknownFileSystem: true,
    prepare: ({ store }) => begun(store, ""),
    act: [append(0, "abc"), append(3, "def")],
    check: (store, id, answered) => carryOn(store, id, "abcdef", 3 * answered),
  },
  {
    name: "a chunk behind another process's",
    prepare: ({ store }) => begun(store, "abc"),
    act: [append(3, "def")],
    check: (store, id, answered) => carryOn(store, id, "abcdef", 3 + 3 * answered),
  },
  {
    name: "a stream, and another behind it whose end is the upload's",
    prepare: ({ store }) => begun(store, "abc"),
    act: [stream("de", "f"), declare(7 + large.length), stream("g", large)],
    async check(store, id, answered) {
      await carryOn(store, id, `abcdefg${large}`, [3, 6, 6, 7 + large.length][answered] ?? 0);
      await assertVersions(store, { 1: `abcdefg${large}` });
    },
  },
  {
    name: "a stream that says the digest of the whole",
    prepare: ({ store }) => begun(store, "abc", { size: 6 }),
    act: [({ store }, id) => store.uploads.appendStream(id, sourceOf(bytesOf("def")), { sha256: sha256Of("abcdef") })],
    check: (store, id, answered) => carryOn(store, id, "abcdef", 3 + 3 * answered),
  },
  {
    name: "a stream that is counted on its way",
    prepare: ({ store }) => begun(store, "abc"),
    act: [stream(...Array.from({ length: 14 }, () => large))],
    check: (store, id, answered) => carryOn(store, id, `abc${large.repeat(14)}`, 3 + 14 * large.length * answered),
  },
  {
    name: "forgetting an upload that is complete",
    prepare: ({ store }) => begun(store, "", { size: 0 }),
    act: [({ store }, id) => store.uploads.dismiss(id)],
    async check(store, id) {
      await store.uploads.dismiss(id).catch((error) => assert.equal(error.code, "session_not_found"));
      assert.equal((await store.artifacts.get("b", "k")).bytes, 0);
    },
  },
  {
    name: "making the key that URLs are signed with",
    act: [({ signingKey }) => signingKey()],
    async check(_store, _id, _answered, { signingKey }) {
      const keys = await Promise.all([signingKey(), signingKey()]);
      assert.equal(keys[0].length, 32);
      assert.deepEqual(keys[0], keys[1]);
    },
  },
  {
    name: "a chunk past 64 segments, which are copied into one",
    async prepare(prepared) {
      const id = await begun(prepared.store, "");
      for (let offset = 0; offset < 64; offset += 1) {
        const other = prepared.another();
        await other.uploads.append(id, offset, bytesOf("."));
        await other.uploads.close();
      }
      return id;
    },
    act: [append(64, "end")],
    check: (store, id, answered) => carryOn(store, id, `${".".repeat(64)}end`, 64 + 3 * answered),
  },
  {
    name: "chunks that lose their row to another process, in a new segment and in an old one",
    prepare: ({ store }) => begun(store, ""),
    act: [
      async (dying, id) => {
        const chunk = (offset: number, text: string) => (store: Store) =>
          store.uploads.append(id, offset, bytesOf(text));
        const loses = (offset: number) => (_: string, old?: string, next?: string) =>
          next !== undefined && old?.includes(`"offset":${offset},`) === true;
        const another = (act: (store: Store) => Promise<unknown>) => () => act(dying.another());
        const first = interrupted(dying.engines, loses(0), another(chunk(0, "abc")));
        const slow = dying.another(interrupted(first, loses(6), another(chunk(6, "ghi"))));
        await chunk(0, "abc")(slow);
        await chunk(3, "def")(slow);
        await chunk(6, "ghi")(slow);
      },
    ],
    check: (store, id, answered) => carryOn(store, id, "abcdefghi", 9 * answered),
  },
  {
    name: "the last chunk of a sized upload, which publishes it",
    prepare: ({ store }) => begun(store, "", { size: 6 }),
    act: [append(0, "abc"), append(3, "def")],
    async check(store, id, answered) {
      await carryOn(store, id, "abcdef", 3 * answered);
      await assertVersions(store, { 1: "abcdef" });
    },
  },
  {
    name: "completing over a version that is there, from another process's segments",
    async prepare({ store }) {
      await saved(store, "before");
      return begun(store, large);
    },
    act: [append(large.length, "def"), complete],
    async check(store, id, answered) {
      await carryOn(store, id, `${large}def`, answered === 0 ? large.length : large.length + 3);
      await assertVersions(store, { 2: `${large}def`, 1: "before" });
    },
  },
  {
    name: "completing with a wrong digest, from another process's segments",
    prepare: ({ store }) => begun(store, "abc"),
    act: [
      ({ store }, id) =>
        assert.rejects(store.uploads.complete(id, { sha256: "0".repeat(64) }), { code: "checksum_mismatch" }),
    ],
    async check(store, id) {
      await carryOn(store, id, "abc", 3);
      await assertVersions(store, { 1: "abc" });
    },
  },
  {
    name: "completing, which drops the oldest version",
    options: { keepVersions: 2 },
    async prepare({ store }) {
      await saved(store, "one", "two");
      return begun(store, "three");
    },
    act: [complete],
    async check(store, id) {
      await carryOn(store, id, "three", 5);
      await assertVersions(store, { 3: "three", 2: "two" });
    },
  },
  {
    name: "completing what the newest version is already",
    async prepare({ store }) {
      await saved(store, "same");
      return begun(store, "same", { mime_type: "text/plain" });
    },
    act: [complete],
    async check(store, id) {
      await carryOn(store, id, "same", 4);
      await assertVersions(store, { 1: "same" });
    },
  },
  {
    name: "completing what is held, then is not",
    async prepare({ store }) {
      await saved(store, "there");
      return begun(store, "new", { if_version: 0 });
    },
    act: [
      ({ store }, id) => assert.rejects(store.uploads.complete(id), { code: "version_conflict" }),
      ({ store }, id) => store.uploads.complete(id, { if_version: 1 }),
    ],
    async check(store, id) {
      await store.uploads.complete(id, { if_version: 1 });
      await assertVersions(store, { 2: "new", 1: "there" });
    },
  },
  {
    name: "a content that is not what was announced",
    prepare: ({ store }) => begun(store, "", { size: 3, sha256: "0".repeat(64) }),
    act: [(dying, id) => assert.rejects(append(0, "abc")(dying, id), { code: "checksum_mismatch" })],
    async check({ uploads, artifacts }, id) {
      // A look at a full session publishes it, and so finds out.
      const offset = await uploads.get(id).then(
        (session) => session.offset,
        () => 0,
      );
      const again = uploads.append(id, offset, bytesOf("abc".slice(offset)));
      await assert.rejects(again, { code: "checksum_mismatch" });
      const session = await uploads.get(id);
      assert.deepEqual([session.status, session.offset], ["open", 0]);
      await assert.rejects(artifacts.get("b", "k"), { code: "artifact_not_found" });
    },
  },
  {
    name: "a save",
    act: [save("text")],
    async check(store, _, answered) {
      if (answered === 1) await assertVersions(store, { 1: "text" });
      await saved(store, "text");
      await assertVersions(store, { 1: "text" });
    },
  },
  {
    name: "a large save",
    act: [save(large)],
    async check(store, _, answered) {
      if (answered === 1) await assertVersions(store, { 1: large });
      await saved(store, large);
      await assertVersions(store, { 1: large });
    },
  },
  {
    name: "a save whose guard is lost to another process",
    act: [
      async (dying) => {
        const late = interrupted(dying.engines, isSession, () => saved(dying.another(), "there"));
        const lost = saveText(dying.another(late), "b", "k", "mine", 0);
        await assert.rejects(lost, { code: "version_conflict" });
      },
    ],
    async check(store, _, answered) {
      if (answered === 1) await assertVersions(store, { 1: "there" });
      await saved(store, "there");
      await assert.rejects(saveText(store, "b", "k", "mine", 0), { code: "version_conflict" });
      await assertVersions(store, { 1: "there" });
    },
  },
  {
    name: "a save that fails",
    act: [
      async (dying) => {
        await assert.rejects(saved(onFullDisk(dying, isSession), "text"), { code: "storage_full" });
      },
    ],
    async check(store) {
      await assertGone(store);
      await saved(store, "text");
      await assertVersions(store, { 1: "text" });
    },
  },
  {
    name: "deleting all versions on a full disk, for which the reserve is given up",
    async prepare({ store }) {
      await saved(store, "one", "two");
      return "";
    },
    act: [(dying) => onFullDisk(dying, isArtifact).artifacts.delete("b", "k")],
    async check(store, _, answered) {
      const { artifacts } = store;
      if (answered === 1) await assertGone(store);
      else await artifacts.delete("b", "k").catch(({ code }) => assert.equal(code, "artifact_not_found"));
      await assertGone(store);
      await saved(store, "again");
      assert.equal(await textOf(store, "b", "k"), "again");
    },
  },
  {
    name: "deleting one version",
    async prepare({ store }) {
      await saved(store, "one", "two");
      return "";
    },
    act: [remove(2)],
    async check(store, _, answered) {
      if (answered === 1) await assertVersions(store, { 1: "one" });
      await store.artifacts.delete("b", "k", 2).catch(({ code }) => assert.equal(code, "artifact_not_found"));
      await saved(store, "three");
      await assertVersions(store, { 3: "three", 1: "one" });
    },
  },
  {
    name: "deleting a version whose upload was left completing",
    async prepare(prepared) {
      const id = await begun(prepared.store, "abc");
      await leftBefore(prepared, toStatus("complete"), ({ uploads }) => uploads.complete(id));
      return id;
    },
    act: [remove()],
    async check(store, id) {
      await store.artifacts.delete("b", "k").catch(({ code }) => assert.equal(code, "artifact_not_found"));
      assert.equal((await store.uploads.complete(id)).status, "complete");
      await assertGone(store);
    },
  },
  {
    name: "aborting an upload",
    prepare: ({ store }) => begun(store, "abc"),
    act: [({ store }, id) => store.uploads.abort(id)],
    async check({ uploads }, id, answered) {
      if (answered === 1) assert.equal((await uploads.get(id)).status, "aborted");
      assert.equal((await uploads.abort(id)).status, "aborted");
    },
  },
  {
    name: "aborting an upload that is held",
    async prepare({ store }) {
      await saved(store, "there");
      const id = await begun(store, "new", { if_version: 0 });
      await assert.rejects(store.uploads.complete(id), { code: "version_conflict" });
      return id;
    },
    act: [({ store }, id) => store.uploads.abort(id)],
    async check(store, id) {
      assert.equal((await store.uploads.abort(id)).status, "aborted");
      await assertVersions(store, { 1: "there" });
    },
  },
  {
    name: "looking at an upload whose time is over",
    options: { later: 7.5 * 86_400 },
    prepare: ({ store }) => begun(store, "abc"),
    act: [({ store }, id) => store.uploads.get(id)],
    async check({ uploads }, id) {
      const status = await uploads.get(id).then(
        (session) => session.status,
        ({ code }) => code,
      );
      assert.ok(status === "expired" || status === "session_not_found", status); // the sweep forgets it at once
      await assert.rejects(uploads.append(id, 3, bytesOf("d")));
    },
  },
  {
    name: "sweeping publications that were left in the middle",
    async prepare(prepared) {
      const { store } = prepared;
      const complete = (id: string) => (other: Store) => other.uploads.complete(id);
      const published = await begun(store, "published");
      await leftBefore(prepared, toStatus("complete"), complete(published));
      const overtaken = await begun(store, "overtaken");
      await leftBefore(prepared, isArtifact, complete(overtaken));
      await saved(store, "on top");
      await leftBefore(prepared, isArtifact, (other) => saved(other, "never answered"));
      const sealed = await begun(store, "sealed", { key: "other" });
      await leftBefore(prepared, isArtifact, complete(sealed));
      return overtaken;
    },
    act: [(dying) => onFullDisk(dying, isSession).sweep.run({ graceMs: 0 })],
    async check(store, overtaken) {
      await store.sweep.run({ graceMs: 0 });
      await assertVersions(store, { 2: "on top", 1: "published" });
      assert.equal(await textOf(store, "b", "other"), "sealed");
      assert.equal((await store.uploads.get(overtaken)).status, "held");
      assert.equal((await store.uploads.complete(overtaken)).artifact?.version, 3);
    },
  },
  {
    name: "sweeping what has expired and what ended long ago",
    options: { later: 9 * 86_400 },
    async prepare(prepared) {
      const { store } = prepared;
      await begun(store, "abc");
      const aborted = await begun(store, "abc");
      await store.uploads.abort(aborted);
      await leaveSegment(prepared, aborted);
      const done = await begun(store, "done");
      await store.uploads.complete(done);
      return done;
    },
    act: [sweep],
    async check(store, id) {
      await store.sweep.run({ graceMs: 0 });
      await store.sweep.run({ graceMs: 0 }); // what the first has expired
      assert.deepEqual((await store.uploads.list({ limit: 9 })).data, []);
      await assert.rejects(store.uploads.get(id), { code: "session_not_found" });
      await assertVersions(store, { 1: "done" });
    },
  },
  {
    name: "sweeping deletions that were left in the middle, and what nobody names",
    isYoung: true,
    async prepare(prepared) {
      const { store } = prepared;
      const { metadata, blobs } = prepared.engines;
      await saved(store, "one", "two");
      await leftBefore(prepared, isArtifact, ({ artifacts }) => artifacts.delete("b", "k", 1));
      await saveText(store, "b", "other", "going");
      let going = "";
      const asleep = (sleep: () => Promise<never>): Engines => {
        const removeBlob = (session: string): Promise<never> => {
          going = session;
          return sleep();
        };
        return { metadata, blobs: { ...blobs, removeBlob } };
      };
      await left(asleep, ({ artifacts }) => artifacts.delete("b", "other"));
      await leaveSegment(prepared, going);
      const id = await begun(store, "abc");
      await leaveSegment(prepared, id);
      await leaveSegment(prepared, newId());
      await metadata.put(`upload:b:k:${newId()}`, "{}");
      return id;
    },
    act: [sweep],
    async check(store, id) {
      await store.sweep.run({ graceMs: 0 });
      await assertVersions(store, { 2: "two", 1: "one" });
      assert.equal((await store.uploads.list({ limit: 9 })).data.length, 1);
      await carryOn(store, id, "abcdef", 3);
    },
  },
  {
    name: "repairing orphans and an unlisted upload",
    faults: ["orphan", "unlisted"],
    async prepare(prepared) {
      const { root, store, engines } = prepared;
      await saved(store, "one");
      await leaveBlob(prepared, newId());
      await writeFile(join(root, "blobs", "stray"), "of nobody");
      const id = await begun(store, "abc");
      await leaveSegment(prepared, id);
      await engines.metadata.drop(`upload:b:k:${id}`);
      return id;
    },
    act: [repair],
    async check(store, id) {
      await store.verify({ repair: true });
      assert.equal((await store.uploads.list({ limit: 9 })).data.length, 1);
      await assertVersions(store, { 1: "one" });
      await carryOn(store, id, "abcdef", 3);
    },
  },
  {
    name: "repairing a row that cannot be read",
    faults: ["corrupt", "orphan"],
    async prepare({ store, engines }) {
      await saved(store, "one");
      await engines.metadata.put("artifact:b:broken", "{");
      return "";
    },
    act: [repair, repair],
    async check(store) {
      await store.verify({ repair: true });
      await store.verify({ repair: true });
      await assertVersions(store, { 1: "one" });
    },
  },
];
