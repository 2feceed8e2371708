import assert from "node:assert/strict";
import { saveText, textOf } from "../../stores.js";
import {
  abort,
  assertGone,
  assertVersions,
  begun,
  begunByMany,
  isArtifact,
  large,
  medium,
  onFullDisk,
  remove,
  removeAgain,
  type Scenario,
  saved,
} from "../scenario.js";

export const endings: readonly Scenario[] = [
  {
    name: "dismissing an upload that is complete",
    prepare: ({ store }) => begun(store, "", { size: 0 }),
    act: [({ store }, id) => store.uploads.dismiss(id)],
    async check(store, id) {
      await store.uploads.dismiss(id).catch((error) => assert.equal(error.code, "session_not_found"));
      assert.equal((await store.artifacts.get("b", "k")).bytes, 0);
    },
  },
  {
    name: "deleting all versions on a full disk, which releases the reserve",
    async prepare({ store }) {
      await saved(store, "one", medium);
      await saveText(store, "b", "other", large); // without this content there is no reserve
      return "";
    },
    act: [(dying) => onFullDisk(dying, isArtifact).artifacts.delete("b", "k")],
    async check(store, _, answered) {
      if (answered === 1) await assertGone(store);
      else await removeAgain(store);
      await assertGone(store);
      assert.equal((await saveText(store, "b", "k", "again")).version, 3);
      assert.equal(await textOf(store, "b", "k"), "again");
    },
  },
  {
    name: "deleting a version in a row",
    async prepare({ store }) {
      await saved(store, "one", "two");
      return "";
    },
    act: [remove(2)],
    async check(store, _, answered) {
      if (answered === 1) await assertVersions(store, { 1: "one" });
      await removeAgain(store, 2);
      await saved(store, "three");
      await assertVersions(store, { 3: "three", 1: "one" });
    },
  },
  {
    name: "deleting versions in files, then the key, and then saving under the same key again",
    async prepare({ store }) {
      await saved(store, medium, `${medium}2`, `${medium}3`);
      return "";
    },
    act: [remove(2), remove(), ({ store }) => saved(store, "again")],
    async check(store, _, answered) {
      if (answered === 1) await removeAgain(store, 2);
      if (answered < 2) await removeAgain(store);
      if (answered === 2) await store.artifacts.get("b", "k").catch(() => assertGone(store));
      await saved(store, "again");
      await assertVersions(store, { 4: "again" }); // no version number is given twice
    },
  },
  {
    name: "deleting a version that an upload was copied from, and aborting that upload",
    async prepare({ store }) {
      await saved(store, medium);
      return (await store.uploads.create({ bucket: "b", key: "copy", from: { bucket: "b", key: "k" } })).id;
    },
    act: [remove(), abort],
    async check(store, id, answered) {
      const { status } = await store.uploads.get(id);
      if (answered === 2) assert.equal(status, "aborted");
      if (status === "open") {
        await store.uploads.complete(id);
        assert.ok((await textOf(store, "b", "copy")) === medium);
      }
      await removeAgain(store);
    },
  },
  {
    name: "aborting an upload in rows",
    prepare: ({ store }) => begun(store, "abc"),
    act: [abort],
    async check({ uploads }, id, answered) {
      if (answered === 1) assert.equal((await uploads.get(id)).status, "aborted");
      assert.equal((await uploads.abort(id)).status, "aborted");
    },
  },
  {
    name: "aborting an upload in files and rows",
    prepare: (prepared) => begunByMany(prepared, [medium, medium, "abc"]),
    act: [abort],
    async check({ uploads }, id, answered) {
      if (answered === 1) assert.equal((await uploads.get(id)).status, "aborted");
      assert.equal((await uploads.abort(id)).status, "aborted");
    },
  },
  {
    name: "aborting an upload with status conflict",
    async prepare({ store }) {
      await saved(store, "there");
      const id = await begun(store, medium, { if_version: 0, checksGuardAtEnd: true });
      await assert.rejects(store.uploads.complete(id), { code: "version_conflict" });
      return id;
    },
    act: [abort],
    async check(store, id) {
      assert.equal((await store.uploads.abort(id)).status, "aborted");
      await assertVersions(store, { 1: "there" });
    },
  },
  {
    name: "closing a data directory",
    act: [
      ({ store }) => saved(store, "one", medium),
      ({ store }) => store.artifacts.delete("b", "k", { version: 2 }),
      (dying) => dying.close(),
    ],
    async check(store, _, answered) {
      if (answered > 1) await assertVersions(store, { 1: "one" });
      await saved(store, "again");
      assert.equal(await textOf(store, "b", "k"), "again");
    },
  },
];
