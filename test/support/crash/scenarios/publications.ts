import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArtifactRow } from "../../../../src/store/model/records.js";
import { artifactPrefix } from "../../../../src/store/model/row-keys.js";
import type { Store } from "../../../../src/store/store.js";
import { bytesOf, saveText, textOf } from "../../stores.js";
import type { StoreProcess } from "../process.js";
import {
  append,
  assertGone,
  assertVersions,
  begun,
  begunByMany,
  carryOn,
  complete,
  interrupted,
  isArtifact,
  isSession,
  large,
  medium,
  onFullDisk,
  type Scenario,
  save,
  saved,
} from "../scenario.js";

/** @param before number of calls before the copy */
const copied = (
  text: string,
  prepare?: Scenario["prepare"],
  before = 0,
): Pick<Scenario, "prepare" | "act" | "check"> => ({
  async prepare(prepared) {
    if (prepare === undefined) await saved(prepared.store, text);
    else await prepare(prepared);
    return "";
  },
  act: [({ store }) => store.uploads.create({ bucket: "b", key: "copy", from: { bucket: "b", key: "k" } })],
  async check(store, _, answered) {
    const { data } = await store.uploads.list({ all: true, bucket: "b", key: "copy", limit: 9 });
    assert.ok(data.length >= answered - before);
    for (const { id, offset, status } of data) {
      assert.equal(offset, text.length); // no session is listed without its copy
      if (status === "open") {
        await store.uploads.append(id, offset, bytesOf("more"));
        const { artifact } = await store.uploads.complete(id);
        assert.ok((await textOf(store, "b", "copy", artifact?.version)) === `${text}more`);
      }
    }
    const { id } = await store.uploads.create({ bucket: "b", key: "copy", from: { bucket: "b", key: "k" } });
    await store.uploads.complete(id);
    assert.ok((await textOf(store, "b", "copy")) === text);
    await assertVersions(store, { 1: text });
  },
});

/** Saves what the newest version is after its update, for two days more. */
const saveLonger = ({ artifacts }: Store) =>
  artifacts.save({
    bucket: "b",
    key: "k",
    bytes: bytesOf(medium),
    defaultMimeType: "text/plain",
    metadata: { a: "1" },
    expires_in: 3 * 86_400,
  });

/**
 * Saves a version, and adds bytes to its file that the version does not name, as a process leaves them whose change
 * lost.
 */
async function savedWithMore({ root, store, engines }: StoreProcess): Promise<string> {
  await saved(store, medium);
  const [row] = await engines.metadata.range(artifactPrefix, { limit: 1 });
  const { session = "", pieces = [] } = parseArtifactRow(row ?? { key: "", text: "" }).value.versions[0] ?? {};
  const path = engines.content.pathOf({ session, name: pieces[0]?.name ?? "" });
  await appendFile(join(root, path), "never counted");
  return "";
}

/** Saves three contents at once: a new one in a row, an empty one, and one of a key that has a version. */
const saveMany = ({ artifacts }: Store) =>
  artifacts.saveMany(
    "b",
    [
      ["new", "abc"],
      ["empty", ""],
      ["k", "two"],
    ].map(([key = "", text = ""]) => {
      return { bucket: "b", key, bytes: bytesOf(text), defaultMimeType: "text/plain" };
    }),
  );

export const publications: readonly Scenario[] = [
  {
    name: "saving several contents at once",
    async prepare({ store }) {
      await saved(store, "one");
      return "";
    },
    act: [({ store }) => saveMany(store)],
    async check(store, _, answered) {
      if (answered === 1) assert.equal(await textOf(store, "b", "new"), "abc");
      const results = await saveMany(store);
      assert.ok(results.every(({ status }) => status === "fulfilled"));
      const texts = await Promise.all(["new", "empty", "k"].map((key) => textOf(store, "b", key)));
      assert.deepEqual(texts, ["abc", "", "two"]);
      await assertVersions(store, { 1: "one", 2: "two" });
    },
  },
  {
    name: "publishing an upload under a bucket prefix",
    options: { bucketPrefix: "run-" },
    prepare: ({ store }) => begun(store, "abc"),
    act: [append(3, "def"), complete],
    check: (store, id, answered) => carryOn(store, id, "abcdef", answered === 0 ? 3 : 6),
  },
  {
    name: "the last chunk of a sized upload, which publishes it, in rows",
    prepare: ({ store }) => begun(store, "", { size: 6 }),
    act: [append(0, "abc"), append(3, "def")],
    async check(store, id, answered) {
      await carryOn(store, id, "abcdef", 3 * answered);
      await assertVersions(store, { 1: "abcdef" });
    },
  },
  {
    name: "the last chunk of a sized upload, which publishes it, in a file",
    prepare: ({ store }) => begun(store, "", { size: medium.length + 3 }),
    act: [append(0, medium), append(medium.length, "def")],
    async check(store, id, answered) {
      await carryOn(store, id, `${medium}def`, [0, medium.length, medium.length + 3][answered] ?? 0);
      await assertVersions(store, { 1: `${medium}def` });
    },
  },
  {
    name: "completing pieces of other processes, on a key that has a version",
    async prepare(prepared) {
      await saved(prepared.store, "before");
      return begunByMany(prepared, [large, "def"]);
    },
    act: [append(large.length + 3, "ghi"), complete],
    async check(store, id, answered) {
      await carryOn(store, id, `${large}defghi`, large.length + (answered === 0 ? 3 : 6));
      await assertVersions(store, { 2: `${large}defghi`, 1: "before" });
    },
  },
  {
    name: "completing pieces of other processes with a wrong digest",
    prepare: (prepared) => begunByMany(prepared, [medium, "abc"]),
    act: [
      ({ store }, id) =>
        assert.rejects(store.uploads.complete(id, { sha256: "0".repeat(64) }), { code: "checksum_mismatch" }),
    ],
    async check(store, id) {
      await carryOn(store, id, `${medium}abc`, medium.length + 3);
      await assertVersions(store, { 1: `${medium}abc` });
    },
  },
  {
    name: "completing, which removes the oldest version, in a file",
    options: { keepVersions: 2 },
    async prepare({ store }) {
      await saved(store, medium, "two");
      return begun(store, "three");
    },
    act: [complete],
    async check(store, id) {
      await carryOn(store, id, "three", 5);
      await assertVersions(store, { 3: "three", 2: "two" });
    },
  },
  {
    name: "saves, which remove the oldest versions, in a row and in a file",
    options: { keepVersions: 2 },
    async prepare({ store }) {
      await saved(store, "one", medium);
      return "";
    },
    act: [save("three"), save("four")],
    async check(store, _, answered) {
      if (answered === 1) assert.ok(["three", "four"].includes(await textOf(store, "b", "k")));
      await saved(store, "four");
      const { data } = await store.artifacts.listVersions("b", "k", { limit: 9 });
      assert.equal(data.length, 2);
      assert.equal(await textOf(store, "b", "k"), "four");
    },
  },
  {
    name: "completing the same content as the newest version",
    async prepare(prepared) {
      await saved(prepared.store, `${medium}same`);
      return begunByMany(prepared, [medium, "same"], { mime_type: "text/plain" });
    },
    act: [complete],
    async check(store, id) {
      await carryOn(store, id, `${medium}same`, medium.length + 4);
      await assertVersions(store, { 1: `${medium}same` });
    },
  },
  {
    name: "completing an upload that is a conflict, and then again with the right guard",
    async prepare({ store }) {
      await saved(store, "there");
      return begun(store, "new", { if_version: 0, checksGuardAtEnd: true });
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
    name: "a content with another digest than announced, whose bytes are kept",
    prepare: ({ store }) => begun(store, "", { size: 3, sha256: "0".repeat(64) }),
    act: [(dying, id, faults) => assert.rejects(append(0, "abc")(dying, id, faults), { code: "checksum_mismatch" })],
    async check({ uploads, artifacts }, id) {
      const again = uploads.append(id, 0, bytesOf("abc"));
      await assert.rejects(again, { code: "checksum_mismatch" });
      await assert.rejects(artifacts.get("b", "k"), { code: "artifact_not_found" });
      const { data } = await uploads.list({ all: true, limit: 9 });
      assert.deepEqual([data[0]?.status, data[0]?.offset], ["open", 3]);
      assert.equal((await uploads.abort(id)).status, "aborted");
    },
  },
  {
    name: "a save in a row",
    act: [save("text")],
    async check(store, _, answered) {
      if (answered === 1) await assertVersions(store, { 1: "text" });
      await saved(store, "text");
      await assertVersions(store, { 1: "text" });
    },
  },
  {
    name: "a save of empty content",
    act: [save("")],
    async check(store, _, answered) {
      if (answered === 1) await assertVersions(store, { 1: "" });
      await saved(store, "");
      await assertVersions(store, { 1: "" });
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
    name: "a save with an idempotency key",
    async prepare({ store }) {
      await saved(store, "text");
      return "";
    },
    act: [
      ({ store }) =>
        store.artifacts.save({
          bucket: "b",
          key: "k",
          bytes: bytesOf("text"),
          defaultMimeType: "text/plain",
          idempotency_key: "request",
        }),
    ],
    async check(store) {
      const wanted = { bucket: "b", key: "k", bytes: bytesOf("text"), defaultMimeType: "text/plain" };
      assert.equal((await store.artifacts.save({ ...wanted, idempotency_key: "request" })).already_saved, true);
      const other = { ...wanted, bytes: bytesOf("other"), idempotency_key: "request" };
      await assert.rejects(store.artifacts.save(other), { code: "idempotency_conflict" });
      await assertVersions(store, { 1: "text" });
    },
  },
  {
    name: "an update, and then a save of the same content with another expiry",
    async prepare({ store }) {
      await saved(store, "one", medium);
      return "";
    },
    act: [
      ({ store }) => store.artifacts.update({ bucket: "b", key: "k", metadata: { a: "1" }, expires_in: 86_400 }),
      ({ store }) => saveLonger(store),
    ],
    async check(store, _, answered) {
      const { version, metadata, edit = 0, expires_at } = await store.artifacts.get("b", "k");
      const isSaved = version === 3;
      assert.ok(answered < 1 || isSaved || edit === 1, "an acknowledged edit is lost");
      assert.ok(answered < 2 || isSaved, "an acknowledged save is lost");
      assert.deepEqual(metadata, isSaved || edit > 0 ? { a: "1" } : {});
      assert.equal(expires_at === undefined, !isSaved && edit === 0);
      const merged = await store.artifacts.update({ bucket: "b", key: "k", metadata: { a: "1" }, merge: true });
      assert.equal(merged.edit ?? 0, isSaved ? 0 : 1);
      assert.equal((await saveLonger(store)).version, 3);
      await assertVersions(store, { 3: medium, 2: medium, 1: "one" });
    },
  },
  {
    name: "a save whose guard another process breaks meanwhile",
    act: [
      async (dying) => {
        const late = interrupted(dying.engines, isSession, () => saved(dying.another(), "there"));
        const lost = saveText(dying.another(late), "b", "k", medium, 0);
        await assert.rejects(lost, { code: "version_conflict" });
      },
    ],
    async check(store, _, answered) {
      if (answered === 1) await assertVersions(store, { 1: "there" });
      await saved(store, "there");
      await assert.rejects(saveText(store, "b", "k", medium, 0), { code: "version_conflict" });
      await assertVersions(store, { 1: "there" });
    },
  },
  {
    name: "a save that fails",
    act: [
      async (dying) => {
        await assert.rejects(saved(onFullDisk(dying, isArtifact), medium), { code: "storage_full" });
      },
    ],
    async check(store) {
      await assertGone(store);
      await saved(store, medium);
      await assertVersions(store, { 1: medium });
    },
  },
  { name: "beginning with a copy of a version in a row", ...copied("text") },
  { name: "beginning with a copy of a version in a file", ...copied(medium) },
  { name: "beginning with a copy of many files", ...copied(medium.repeat(2), manyFiles) },
  {
    name: "beginning with a copy of a file that is longer than its version",
    ...copied(medium, savedWithMore, 1),
    act: [({ store }) => saveText(store, "b", "other", medium), ...copied(medium).act],
  },
];

async function manyFiles(prepared: StoreProcess): Promise<string> {
  const id = await begunByMany(prepared, [medium, medium]);
  await prepared.store.uploads.complete(id);
  return "";
}
