import assert from "node:assert/strict";
import { bytesOf, saveText, textOf } from "../../stores.js";
import {
  append,
  assertGone,
  assertVersions,
  begun,
  begunByMany,
  carryOn,
  countsAfter,
  interrupted,
  isArtifact,
  large,
  medium,
  removeAgain,
  type Scenario,
  saved,
  toStatus,
  withAnswerLost,
} from "../scenario.js";

const failed = { code: "internal" };
const full = { code: "storage_full" };
const manyFiles = Array.from({ length: 64 }, () => medium);
const allBytes = 64 * medium.length;

/** An append after 64 files. Its first change, the fold, fails with an unknown outcome. */
const foldAnswerLost = (isMade: boolean): Scenario => ({
  name: `a copy of 64 files into one, whose change fails and was${isMade ? "" : " not"} made`,
  prepare: (prepared) => begunByMany(prepared, manyFiles),
  act: [
    (dying, id) =>
      withAnswerLost(dying, countsAfter(allBytes), isMade)
        .uploads.append(id, allBytes, bytesOf("end"))
        .catch((error) => assert.equal(error.code, failed.code)),
    append(allBytes, "end"),
  ],
  check: (store, id, answered) => carryOn(store, id, `${medium.repeat(64)}end`, allBytes + (answered === 2 ? 3 : 0)),
});

const appendAnswerLost = (isMade: boolean): Scenario => ({
  name: `chunks in a file, whose change fails and was${isMade ? "" : " not"} made`,
  prepare: ({ store }) => begun(store, ""),
  act: [
    async (dying, id) => {
      const { uploads } = withAnswerLost(dying, countsAfter(0), isMade);
      await uploads.append(id, 0, bytesOf(medium)).catch((error) => assert.equal(error.code, failed.code));
      await uploads.append(id, 0, bytesOf(`${medium}abc`));
    },
    async (dying, id) => {
      const { uploads } = withAnswerLost(dying, countsAfter(medium.length + 6), isMade);
      const at = medium.length + 3;
      await uploads.append(id, at, bytesOf("def")); // from here on the process has a piece of its own
      await uploads.append(id, at + 3, bytesOf("ghi")).catch((error) => assert.equal(error.code, failed.code));
      await uploads.append(id, at + 3, bytesOf("ghi"));
    },
  ],
  check: (store, id, answered) =>
    carryOn(store, id, `${medium}abcdefghi`, [0, medium.length + 3, medium.length + 9][answered] ?? 0),
});

const copyAnswerLost = (isMade: boolean): Scenario => ({
  name: `a copy, whose change fails and was${isMade ? "" : " not"} made`,
  async prepare({ store }) {
    await saved(store, medium);
    return "";
  },
  act: [
    (dying) =>
      withAnswerLost(dying, countsAfter(0), isMade)
        .uploads.create({ bucket: "b", key: "copy", from: { bucket: "b", key: "k" } })
        .catch((error) => assert.equal(error.code, failed.code)),
  ],
  async check(store) {
    const { id } = await store.uploads.create({ bucket: "b", key: "copy", from: { bucket: "b", key: "k" } });
    await store.uploads.complete(id);
    assert.ok((await textOf(store, "b", "copy")) === medium);
    await assertVersions(store, { 1: medium });
  },
});

export const failures: readonly Scenario[] = [
  ...[true, false].flatMap((isMade) => [appendAnswerLost(isMade), foldAnswerLost(isMade), copyAnswerLost(isMade)]),
  {
    name: "a publication, a save and a deletion whose changes fail and were made",
    prepare: ({ store }) => begun(store, medium),
    act: [
      (dying, id) => withAnswerLost(dying, toStatus("complete"), true).uploads.complete(id),
      (dying) => saved(withAnswerLost(dying, isArtifact, true), "two"),
      (dying) => withAnswerLost(dying, isArtifact, true).artifacts.delete("b", "k", { version: 1 }),
    ],
    async check(store, id, answered) {
      if (answered < 3) {
        await store.uploads.complete(id);
        await saved(store, "two");
        await removeAgain(store, 1);
      }
      await assertVersions(store, { 2: "two" });
    },
  },
  {
    name: "a copy of 64 files into one, while another process removes them",
    prepare: (prepared) => begunByMany(prepared, manyFiles),
    act: [
      async (dying, id) => {
        const { metadata, content } = dying.engines;
        const fold: typeof content.fold = async (...values) => {
          await dying.another().uploads.abort(id);
          return content.fold(...values);
        };
        const slow = dying.another({ metadata, content: { ...content, fold } });
        await assert.rejects(slow.uploads.append(id, allBytes, bytesOf("end")), { code: "session_closed" });
      },
    ],
    async check({ uploads }, id) {
      assert.equal((await uploads.abort(id)).status, "aborted");
    },
  },
  {
    name: "a copy to a session, while a sweep gives the session up",
    async prepare({ store }) {
      await saved(store, medium);
      return "";
    },
    act: [
      async (dying) => {
        const ends = async () => {
          const { settled } = await dying.another().sweep.run({ graceMs: 0, trustsClock: true });
          assert.equal(settled, 1);
        };
        const slow = dying.another(interrupted(dying.engines, countsAfter(0), ends));
        const copy = slow.uploads.create({ bucket: "b", key: "copy", from: { bucket: "b", key: "k" } });
        await assert.rejects(copy, { code: "internal", next: "call_again" });
      },
    ],
    check: (store) => assertVersions(store, { 1: medium }),
  },
  {
    name: "chunks whose write or sync fails, in a new file and in an old one",
    prepare: ({ store }) => begun(store, ""),
    act: [
      async (dying, id, { failNextCall }) => {
        failNextCall("writev", "ENOSPC");
        await assert.rejects(dying.store.uploads.append(id, 0, bytesOf(medium)), full);
        await dying.store.uploads.append(id, 0, bytesOf(medium));
        failNextCall("writev", "ENOSPC");
        await assert.rejects(dying.store.uploads.append(id, medium.length, bytesOf(medium)), full);
        await dying.store.uploads.append(id, medium.length, bytesOf(medium));
      },
    ],
    check: (store, id, answered) => carryOn(store, id, medium.repeat(2), 2 * medium.length * answered),
  },
  {
    name: "copies whose write fails",
    prepare: (prepared) => begunByMany(prepared, manyFiles),
    act: [
      async (dying, id, { failNextCall }) => {
        failNextCall("writev", "ENOSPC");
        await assert.rejects(dying.store.uploads.append(id, allBytes, bytesOf("end")), full);
        await dying.store.uploads.append(id, allBytes, bytesOf("end"));
      },
    ],
    check: (store, id, answered) => carryOn(store, id, `${medium.repeat(64)}end`, allBytes + 3 * answered),
  },
  {
    name: "a save and a deletion on a disk that is full for the database",
    async prepare({ store }) {
      await saved(store, "one", medium);
      return "";
    },
    act: [
      async (dying, _, { failNextCommit }) => {
        await saveText(dying.store, "b", "other", "makes a log");
        failNextCommit();
        await saveText(dying.store, "b", "k", "three");
      },
      async (dying, _, { failNextCommit }) => {
        failNextCommit();
        await dying.store.artifacts.delete("b", "k", { version: 2 });
      },
    ],
    async check(store, _, answered) {
      if (answered === 1) await removeAgain(store, 2);
      if (answered === 2) return assertVersions(store, { 3: "three", 1: "one" });
      await saved(store, "three");
      await removeAgain(store, 2);
      await assertVersions(store, { 3: "three", 1: "one" });
    },
  },
  {
    name: "a mark and a reserve that cannot be written",
    async prepare({ store }) {
      await saveText(store, "b", "other", large); // without this content there is no reserve
      return "";
    },
    act: [
      (dying, _, { failNextCall }) => {
        failNextCall("rename", "EIO");
        return dying.store.sweep.run({ graceMs: 0, trustsClock: true });
      },
      async (dying, _, { failNextCall }) => {
        await dying.engines.content.releaseReserve();
        failNextCall("write", "ENOSPC");
        await dying.engines.content.restoreReserve();
      },
    ],
    async check(store) {
      await assertGone(store);
      await saved(store, "text");
      await assertVersions(store, { 1: "text" });
    },
  },
];
