import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sha256Of } from "../../../../src/store/model/artifact.js";
import type { Store } from "../../../../src/store/store.js";
import { sourceOf } from "../../sources.js";
import { bytesOf } from "../../stores.js";
import {
  append,
  assertVersions,
  begun,
  begunByMany,
  carryOn,
  countsAfter,
  declare,
  interrupted,
  isSession,
  large,
  medium,
  type Scenario,
  saved,
  stream,
} from "../scenario.js";

/** Appends three chunks. Another process appends the first and the third one before this process. */
async function losing(
  dying: Parameters<Scenario["act"][number]>[0],
  id: string,
  chunks: readonly [string, string, string],
): Promise<void> {
  const [first, second, third] = chunks;
  const behind = first.length + second.length;
  const chunk = (offset: number, text: string) => (store: Store) => store.uploads.append(id, offset, bytesOf(text));
  const another = (act: (store: Store) => Promise<unknown>) => () => act(dying.another());
  const once = interrupted(dying.engines, countsAfter(0), another(chunk(0, first)));
  const slow = dying.another(interrupted(once, countsAfter(behind), another(chunk(behind, third))));
  await chunk(0, first)(slow);
  await chunk(first.length, second)(slow);
  await chunk(behind, third)(slow);
}

/** A text that is almost as long as a piece in a row may be. */
const few = "in a row.".repeat(3_500);

/** Two uploads that ask for this key get different keys. */
const withOwnKey = { bucket: "b", key: "k", isOwnKey: true } as const;

export const appends: readonly Scenario[] = [
  {
    name: "opening a data directory for the first time",
    isOpening: true,
    act: [],
    async check(store) {
      await saved(store, "text", medium);
      await assertVersions(store, { 2: medium, 1: "text" });
    },
  },
  {
    name: "creating an upload",
    act: [({ store }) => begun(store, "")],
    async check(store, _, answered) {
      const { data } = await store.uploads.list({ all: true, limit: 9 });
      assert.ok(data.length <= 1 && data.length >= answered);
      for (const { id } of data) await carryOn(store, id, "abc", 0);
      await carryOn(store, await begun(store, ""), "abc", 0);
      await assertVersions(store, { 1: "abc" });
    },
  },
  {
    name: "creating an upload of size 0, which is published at once",
    act: [({ store }) => begun(store, "", { size: 0 })],
    async check(store, _, answered) {
      if (answered === 1) assert.equal((await store.artifacts.get("b", "k")).bytes, 0);
      await begun(store, "", { size: 0 });
      await assertVersions(store, { 1: "" });
    },
  },
  {
    name: "creating an upload under a key of its own, which another process takes first",
    act: [
      async (dying) => {
        const other = () => dying.another().uploads.create(withOwnKey);
        const slow = dying.another(interrupted(dying.engines, isSession, other));
        assert.notEqual((await slow.uploads.create(withOwnKey)).key, withOwnKey.key);
      },
    ],
    async check({ uploads }, _, answered) {
      const { data } = await uploads.list({ all: true, limit: 9 });
      const withPrefix = data.filter(({ id, key }) => key === `${id}/k`);
      assert.ok(data.length >= 2 * answered && withPrefix.length >= answered);
      assert.ok(data.length <= 2);
      if (answered === 1) assert.equal(new Set(data.map(({ key }) => key)).size, 2);
      const { id, key } = await uploads.create(withOwnKey);
      assert.equal(key, data.length === 0 ? "k" : `${id}/k`);
      for (const upload of [...data, { id }]) {
        await uploads.append(upload.id, 0, bytesOf("abc"));
        assert.ok((await uploads.complete(upload.id)).artifact);
      }
    },
  },
  {
    name: "the first chunk and the next, in rows",
    prepare: ({ store }) => begun(store, ""),
    act: [append(0, "abc"), append(3, "def")],
    check: (store, id, answered) => carryOn(store, id, "abcdef", 3 * answered),
  },
  {
    name: "the first chunk and the next, in a file",
    prepare: ({ store }) => begun(store, ""),
    act: [append(0, medium), append(medium.length, "def"), append(medium.length + 3, "ghi")],
    check: (store, id, answered) =>
      carryOn(store, id, `${medium}defghi`, [0, medium.length, medium.length + 3, medium.length + 6][answered] ?? 0),
  },
  {
    name: "a chunk that moves those before it from rows to a file",
    prepare: (prepared) => begunByMany(prepared, ["abc", "def"]),
    act: [append(6, medium)],
    check: (store, id, answered) => carryOn(store, id, `abcdef${medium}`, 6 + answered * medium.length),
  },
  {
    name: "a chunk that moves many bytes from rows to a file",
    async prepare({ store }) {
      const id = await begun(store, "");
      for (let n = 0; n < 25; n += 1) await store.uploads.append(id, n * few.length, bytesOf(few));
      return id;
    },
    act: [append(25 * few.length, medium)],
    check: (store, id, answered) =>
      carryOn(store, id, few.repeat(25) + medium, 25 * few.length + answered * medium.length),
  },
  {
    name: "a large chunk, a part of which is on the disk before the rest",
    prepare: ({ store }) => begun(store, "abc"),
    act: [append(3, large)],
    check: (store, id, answered) => carryOn(store, id, `abc${large}`, 3 + large.length * answered),
  },
  {
    name: "chunks that only a sync makes durable, not their write",
    isUnknownFileSystem: true,
    prepare: ({ store }) => begun(store, ""),
    act: [append(0, medium), append(medium.length, "def")],
    check: (store, id, answered) =>
      carryOn(store, id, `${medium}def`, [0, medium.length, medium.length + 3][answered] ?? 0),
  },
  {
    name: "a chunk after the bytes of another process",
    prepare: ({ store }) => begun(store, medium),
    act: [append(medium.length, medium)],
    check: (store, id, answered) => carryOn(store, id, `${medium}${medium}`, medium.length * (1 + answered)),
  },
  {
    name: "a chunk whose piece needs a folder that is gone",
    prepare: ({ store }) => begun(store, "abc"),
    act: [
      async (dying, id, faults) => {
        await rm(join(dying.root, "content"), { recursive: true });
        await append(3, medium)(dying, id, faults);
      },
    ],
    check: (store, id, answered) => carryOn(store, id, `abc${medium}`, 3 + answered * medium.length),
  },
  {
    name: "a stream, and a second one that ends the upload",
    prepare: ({ store }) => begun(store, "abc"),
    act: [stream("de", "f"), declare(7 + large.length), stream("g", large)],
    async check(store, id, answered) {
      await carryOn(store, id, `abcdefg${large}`, [3, 6, 6, 7 + large.length][answered] ?? 0);
      await assertVersions(store, { 1: `abcdefg${large}` });
    },
  },
  {
    name: "a stream that gives the digest of the whole content",
    prepare: ({ store }) => begun(store, "abc", { size: 6 }),
    act: [({ store }, id) => store.uploads.appendStream(id, sourceOf(bytesOf("def")), { sha256: sha256Of("abcdef") })],
    check: (store, id, answered) => carryOn(store, id, "abcdef", 3 + 3 * answered),
  },
  {
    name: "a stream whose bytes are counted while it runs",
    prepare: ({ store }) => begun(store, "abc"),
    act: [stream(...Array.from({ length: 14 }, () => large))],
    check: (store, id, answered) => carryOn(store, id, `abc${large.repeat(14)}`, 3 + 14 * large.length * answered),
  },
  {
    name: "a chunk after 64 pieces in rows, which become one",
    prepare: (prepared) =>
      begunByMany(
        prepared,
        Array.from({ length: 64 }, () => "."),
      ),
    act: [append(64, "end")],
    check: (store, id, answered) => carryOn(store, id, `${".".repeat(64)}end`, 64 + 3 * answered),
  },
  {
    name: "a chunk after 64 files, which are copied into one",
    prepare: (prepared) =>
      begunByMany(
        prepared,
        Array.from({ length: 64 }, () => medium),
      ),
    act: [append(64 * medium.length, "end")],
    check: (store, id, answered) => carryOn(store, id, `${medium.repeat(64)}end`, 64 * medium.length + 3 * answered),
  },
  {
    name: "a copy of 64 files into one, when another process changes the row first",
    prepare: (prepared) =>
      begunByMany(
        prepared,
        Array.from({ length: 64 }, () => medium),
      ),
    act: [
      async (dying, id) => {
        const bytes = 64 * medium.length;
        const other = () => dying.another().uploads.append(id, bytes, bytesOf("end"));
        const slow = dying.another(interrupted(dying.engines, countsAfter(bytes), other));
        await slow.uploads.append(id, bytes, bytesOf("end"));
      },
    ],
    check: (store, id, answered) => carryOn(store, id, `${medium.repeat(64)}end`, 64 * medium.length + 3 * answered),
  },
  {
    name: "chunks in rows, when another process changes the row first",
    prepare: ({ store }) => begun(store, ""),
    act: [(dying, id) => losing(dying, id, ["abc", "def", "ghi"])],
    check: (store, id, answered) => carryOn(store, id, "abcdefghi", 9 * answered),
  },
  {
    name: "chunks in a new file and in an old one, when another process changes the row first",
    prepare: ({ store }) => begun(store, ""),
    act: [(dying, id) => losing(dying, id, [medium, medium, medium])],
    check: (store, id, answered) => carryOn(store, id, medium.repeat(3), 3 * medium.length * answered),
  },
];
