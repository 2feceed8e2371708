import assert from "node:assert/strict";
import type { CopyArtifact } from "../../../../src/store/artifacts/copy/copy-request.js";
import type { Store } from "../../../../src/store/store.js";
import { saveText, textOf } from "../../stores.js";
import {
  assertGone,
  assertVersions,
  isArtifact,
  large,
  medium,
  onFullDisk,
  type Scenario,
  saved,
} from "../scenario.js";

const copy = ({ artifacts }: Store, wanted: Omit<CopyArtifact, "bucket" | "key">) =>
  artifacts.copy({ bucket: "b", key: "source", ...wanted });

/** Saves versions of the source. */
async function savedSource(store: Store, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) await saveText(store, "b", "source", text);
}

/** Makes a move again. Its source may be gone already, and then nothing is made twice. */
async function moveAgain(store: Store, wanted: Omit<CopyArtifact, "bucket" | "key">): Promise<void> {
  await copy(store, { ...wanted, move: true }).catch(({ code }) => assert.equal(code, "artifact_not_found"));
  await assertGone(store, "source");
}

async function moveFolder({ artifacts }: Store): Promise<void> {
  const folders = { bucket: "b", prefix: "from/", to_bucket: "b", to_prefix: "to/" };
  for await (const { outcome } of artifacts.copyUnder({ ...folders, move: true })) assert.ok("copied" in outcome);
}

async function deleteFolder({ artifacts }: Store): Promise<void> {
  const folder = { bucket: "b", prefix: "dir/" };
  const found = await artifacts.deleteUnder(folder);
  if ("confirm" in found) await artifacts.deleteUnder({ ...folder, confirm: found.confirm });
}

export const copies: readonly Scenario[] = [
  {
    name: "moving a folder",
    async prepare({ store }) {
      await saveText(store, "b", "from/a", "small");
      await saveText(store, "b", "from/b", medium);
      return "";
    },
    act: [({ store }) => moveFolder(store)],
    async check(store) {
      await moveFolder(store);
      assert.equal(await textOf(store, "b", "to/a"), "small");
      assert.equal(await textOf(store, "b", "to/b"), medium);
      await assertGone(store, "from/a");
      await assertGone(store, "from/b");
    },
  },
  {
    name: "copying a file, and content in a row, onto a key",
    options: { keepVersions: 2 },
    async prepare({ store }) {
      await savedSource(store, "small", medium);
      await saved(store, large);
      return "";
    },
    act: [
      ({ store }) => copy(store, { to_key: "k", if_version: 1 }),
      ({ store }) => copy(store, { to_key: "k", version: 1, if_version: 2 }),
    ],
    async check(store) {
      const { version } = await store.artifacts.get("b", "k");
      if (version === 1) await copy(store, { to_key: "k", if_version: 1 });
      await copy(store, { to_key: "k", version: 1, if_version: 2 });
      await assertVersions(store, { 3: "small", 2: medium });
      assert.equal(await textOf(store, "b", "source"), medium);
    },
  },
  {
    name: "moving all versions, in rows and in files, onto a key",
    options: { keepVersions: 3 },
    async prepare({ store }) {
      await savedSource(store, "small", medium, large);
      await saved(store, medium);
      return "";
    },
    act: [({ store }) => copy(store, { to_key: "k", move: true, if_version: 1 })],
    async check(store) {
      await moveAgain(store, { to_key: "k", if_version: 1 });
      await assertVersions(store, { 4: large, 3: medium, 2: "small" });
      assert.equal((await saveText(store, "b", "source", "again")).version, 4);
    },
  },
  {
    name: "moving the newest version alone, out of a row",
    async prepare({ store }) {
      await savedSource(store, medium, "small");
      return "";
    },
    act: [({ store }) => copy(store, { to_key: "k", move: true, all_versions: false })],
    async check(store) {
      await moveAgain(store, { to_key: "k", all_versions: false });
      await assertVersions(store, { 1: "small" });
    },
  },
  {
    name: "a move whose disk is full in the end",
    async prepare({ store }) {
      await savedSource(store, "small", medium);
      return "";
    },
    act: [
      (dying) =>
        assert.rejects(copy(onFullDisk(dying, isArtifact), { to_key: "k", move: true }), { code: "storage_full" }),
    ],
    async check(store) {
      await moveAgain(store, { to_key: "k" });
      await assertVersions(store, { 2: medium, 1: "small" });
    },
  },
  {
    name: "deleting under a prefix",
    async prepare({ store }) {
      for (const [n, text] of ["small", medium, large].entries()) await saveText(store, "b", `dir/${n}`, text);
      await saved(store, "stays");
      return "";
    },
    act: [({ store }) => deleteFolder(store)],
    async check(store) {
      await deleteFolder(store);
      const { data } = await store.artifacts.list({ bucket: "b", limit: 9 });
      assert.deepEqual(
        data.map(({ key }) => key),
        ["k"],
      );
    },
  },
];
