import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "../../../../src/store/store.js";
import { bytesOf, saveText, textOf } from "../../stores.js";
import {
  abandonedAt,
  abandonedBefore,
  abandonedBeforeRemoval,
  assertGone,
  assertVersions,
  begun,
  begunByMany,
  carryOn,
  isSession,
  large,
  leavePiece,
  medium,
  onFullDisk,
  repair,
  type Scenario,
  saved,
  sweep,
  toStatus,
} from "../scenario.js";

const newId = (): string => randomBytes(16).toString("hex");
const sweeping = { graceMs: 0, trustsClock: true };

/** Leaves much free space in the database of a store that has one artifact. */
const leaveFreeSpace: Scenario["prepare"] = async ({ store }) => {
  const text = "x".repeat(32_000);
  for (let n = 0; n < 60; n += 1) await saveText(store, "b", `k${n}`, `${n}${text}`);
  for (let n = 0; n < 60; n += 1) await store.artifacts.delete("b", `k${n}`);
  await saved(store, "kept");
  return "";
};

export const maintenance: readonly Scenario[] = [
  {
    name: "making the key that signs URLs",
    act: [({ signingKey }) => signingKey()],
    async check(_store, _id, _answered, { signingKey }) {
      const keys = await Promise.all([signingKey(), signingKey()]);
      assert.equal(keys[0].length, 32);
      assert.deepEqual(keys[0], keys[1]);
    },
  },
  {
    name: "asking whether the store is ready",
    act: [({ store }) => store.ready()],
    check: (store) => store.ready(),
  },
  {
    name: "writing to a store whose content has no id yet",
    async prepare({ root, store }) {
      await saved(store, "one");
      await writeFile(join(root, "format"), "2\n\n");
      return "";
    },
    act: [({ store }) => saved(store, "two")],
    async check(store) {
      await saved(store, "two");
      await assertVersions(store, { 2: "two", 1: "one" });
      await store.check();
    },
  },
  {
    name: "sweeping publications that were interrupted",
    async prepare(prepared) {
      const { store } = prepared;
      const published = await begun(store, "published", { size: 9 }).catch(() => "");
      assert.notEqual(published, "");
      const overtaken = await begunFull(prepared, "overtaken");
      await saved(store, "on top");
      await abandonedAt(
        (sleep) => ({ ...prepared.engines, content: { ...prepared.engines.content, createPiece: sleep } }),
        (other) => saved(other, medium),
      );
      await begunFull(prepared, `sealed${medium}`, "other");
      return overtaken;
    },
    act: [(dying) => onFullDisk(dying, isSession).sweep.run(sweeping)],
    async check(store, overtaken) {
      await store.sweep.run(sweeping);
      assert.equal(await textOf(store, "b", "other"), `sealed${medium}`);
      const { status } = await store.uploads.get(overtaken).catch(() => ({ status: "conflict" }));
      if (status === "conflict") await store.uploads.complete(overtaken, { if_version: 2 });
      await assertVersions(store, { 3: "overtaken", 2: "on top", 1: "published" });
    },
  },
  {
    name: "sweeping a publication that was interrupted, on a full disk with a reserve",
    async prepare(prepared) {
      await saveText(prepared.store, "b", "other", large);
      return begunFull(prepared, "abc");
    },
    act: [(dying) => onFullDisk(dying, isSession).sweep.run(sweeping)],
    async check(store) {
      await store.sweep.run(sweeping);
      await assertVersions(store, { 1: "abc" });
    },
  },
  {
    name: "sweeping uploads that have expired, and uploads that ended long ago",
    options: { later: 9 * 86_400 },
    async prepare(prepared) {
      const { store } = prepared;
      await begun(store, "abc");
      await begunByMany(prepared, [medium, "abc"]);
      const aborted = await begun(store, "abc");
      await store.uploads.abort(aborted);
      await leavePiece(prepared, aborted);
      const done = await begun(store, medium);
      await store.uploads.complete(done);
      return done;
    },
    act: [sweep],
    async check(store, id) {
      await store.sweep.run(sweeping);
      await store.sweep.run(sweeping); // removes what the first one has expired
      assert.deepEqual((await store.uploads.list({ all: true, limit: 9 })).data, []);
      await assert.rejects(store.uploads.get(id), { code: "session_not_found" });
      await assertVersions(store, { 1: medium });
    },
  },
  {
    name: "sweeping keys that have expired",
    options: { later: 9 * 86_400 },
    async prepare({ store, engines }) {
      await saveText(store, "b", "other", medium);
      // What a sweep wrote before the key was saved again.
      const due = { revision: "1", version: 1, edit: 1, at: 1 };
      await engines.metadata.change([{ key: "due\tb\tother", old: undefined, next: JSON.stringify(due) }]);
      for (const text of ["abc", medium]) await saveForDay(store, text);
      return "";
    },
    act: [sweep, sweep], // the first one marks the key, the second one frees it
    async check(store) {
      await store.sweep.run(sweeping);
      await store.sweep.run(sweeping);
      await assert.rejects(store.artifacts.get("b", "k"), { code: "artifact_not_found" });
      assert.equal(await textOf(store, "b", "other"), medium);
      await saved(store, "again");
      await assertVersions(store, { 3: "again" });
    },
  },
  {
    name: "limiting the age in a bucket, and deleting what is too old",
    options: { later: 86_400 },
    async prepare({ store }) {
      await saved(store, "abc", medium);
      await saveText(store, "b", "other", medium);
      await saveText(store, "c", "large", large); // without this content there is no reserve
      return "";
    },
    act: [
      ({ store }) => store.buckets.set("b", { max_age: 3_600 }),
      ({ store }) => store.ageLimits.run(sweeping),
      async ({ store, engines }) => {
        await engines.content.releaseReserve();
        await store.ageLimits.run(sweeping);
      },
    ],
    async check(store, _, answered) {
      if (answered > 0) assert.equal((await store.buckets.get("b")).max_age, 3_600);
      else await store.buckets.set("b", { max_age: 3_600 });
      await store.ageLimits.run(sweeping);
      await assertGone(store);
      assert.equal((await store.buckets.set("b", { max_age: null })).artifacts, 0);
      await saved(store, "again");
      await assertVersions(store, { 3: "again" });
    },
  },
  {
    name: "sweeping deletions that were interrupted",
    async prepare(prepared) {
      const { store, root } = prepared;
      await saved(store, "one", medium, `${medium}3`);
      await abandonedBeforeRemoval(prepared, ({ artifacts }) => artifacts.delete("b", "k", { version: 2 }));
      const aborted = await begunByMany(prepared, [medium, "abc"]);
      await abandonedBeforeRemoval(prepared, ({ uploads }) => uploads.abort(aborted));
      const id = await begun(store, "abc");
      await leavePiece(prepared, id);
      // The file of a process that died while it wrote the mark.
      await writeFile(join(root, `format-${"0".repeat(16)}`), "2\n");
      return id;
    },
    act: [sweep],
    async check(store, id) {
      await store.sweep.run(sweeping);
      await assertVersions(store, { 3: `${medium}3`, 1: "one" });
      assert.equal((await store.uploads.list({ all: true, limit: 9 })).data.length, 2);
      await carryOn(store, id, "abcdef", 3);
    },
  },
  {
    name: "sweeping with a trusted clock, in a database with much free space",
    options: { isLongRunning: true },
    prepare: leaveFreeSpace,
    act: [sweep],
    async check(store) {
      await store.sweep.run(sweeping);
      await assertVersions(store, { 1: "kept" });
    },
  },
  {
    name: "compacting a database with much free space",
    prepare: leaveFreeSpace,
    act: [({ store }) => store.compact()],
    async check(store) {
      const { afterBytes } = await store.compact();
      assert.ok(afterBytes < 1_000_000, `the database has ${afterBytes} bytes`);
      await assertVersions(store, { 1: "kept" });
    },
  },
  {
    name: "repairing orphans and an unlisted upload",
    faults: ["orphan", "unlisted"],
    async prepare(prepared) {
      const { root, store, engines } = prepared;
      await saved(store, "one");
      await leavePiece(prepared, newId());
      await writeFile(join(root, "content", "stray"), "of nobody");
      await mkdir(join(root, "content", "other"));
      await writeFile(join(root, "content", "other", "stray"), "of nobody");
      await utimes(join(root, "content", "other", "stray"), 1, 1);
      await engines.metadata.change([], { put: [{ name: `${newId()}/0-piece`, bytes: Buffer.from("of nobody") }] });
      const id = await begun(store, "abc");
      await leavePiece(prepared, id);
      await engines.metadata.change([{ key: `upload\tb\tk\t${id}`, old: "{}", next: undefined }]);
      return id;
    },
    act: [repair],
    async check(store, id) {
      await store.verify({ repair: true });
      assert.equal((await store.uploads.list({ all: true, limit: 9 })).data.length, 1);
      await assertVersions(store, { 1: "one" });
      await carryOn(store, id, "abcdef", 3);
    },
  },
  {
    name: "repairing a row that cannot be parsed",
    faults: ["corrupt", "orphan"],
    async prepare({ store, engines }) {
      await saved(store, "one");
      await engines.metadata.put("artifact\tb\tbroken", "{");
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

async function saveForDay({ artifacts }: Store, text: string): Promise<void> {
  const bytes = bytesOf(text);
  await artifacts.save({ bucket: "b", key: "k", bytes, defaultMimeType: "text/plain", expires_in: 86_400 });
}

/** Makes an upload with all its bytes, whose process stopped before it published the upload. */
async function begunFull(prepared: Parameters<typeof abandonedBefore>[0], text: string, key = "k"): Promise<string> {
  const id = await begun(prepared.store, "", { size: text.length, key });
  await abandonedBefore(prepared, toStatus("complete"), ({ uploads }) => uploads.append(id, 0, Buffer.from(text)));
  return id;
}
