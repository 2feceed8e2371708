import { beforeEach, describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { ArtifactRecord } from "../../../src/store/model/records.js";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { failOnce } from "../../support/faults.js";
import { expectNothingLeaked, expectNothingLeft, expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import {
  bytesOf,
  createMemoryEngines,
  type MemoryEngines,
  noRowPieces,
  saveText,
  storeOn,
  textOf,
} from "../../support/stores.js";

const source = { bucket: "b", key: "k" };
const dayMs = 24 * 60 * 60 * 1000;
const sweepAll = { graceMs: 0, trustsClock: true };

describe.each(pieceKinds)("with content $where", ({ pieceLimits }) => {
  let engines: MemoryEngines;
  let store: Store;
  const on = (over: Pick<StoreOptions, "metadata" | "content"> = engines, options: Partial<StoreOptions> = {}): Store =>
    storeOn(over, { pieceLimits, ...options });
  const row = (bucket: string, key: string): ArtifactRecord | undefined =>
    JSON.parse(engines.metadata.rows.get(`artifact\t${bucket}\t${key}`) ?? "null") ?? undefined;
  const textsOf = async (key: string): Promise<string[]> =>
    Promise.all(row("b", key)?.versions.map(({ version }) => textOf(store, "b", key, version)) ?? []);
  const save = (key: string, text: string, more = {}) =>
    store.artifacts.save({ bucket: "b", key, bytes: bytesOf(text), defaultMimeType: "text/plain", ...more });

  beforeEach(() => {
    engines = createMemoryEngines();
    store = on();
  });

  describe("copy()", () => {
    it("publishes the newest version under another key, with its type and metadata, and leaves the source", async () => {
      await save("k", "one");
      const from = await save("k", "content", { metadata: { run: "7" }, mime_type: "text/csv", saved_by: "first" });
      const before = row("b", "k");
      const copy = await store.artifacts.copy({ ...source, to_key: "copy", saved_by: "second" });
      expect(copy).toMatchObject({ bucket: "b", key: "copy", version: 1, sha256: from.sha256, metadata: { run: "7" } });
      expect(copy).toMatchObject({ mime_type: "text/csv", saved_by: "second" });
      expect(copy).not.toHaveProperty("already_saved");
      expect(copy).not.toHaveProperty("moved_versions");
      expect(await store.artifacts.get("b", "copy")).toEqual(copy);
      expect(row("b", "k")).toEqual(before);
      await store.artifacts.delete("b", "k");
      expect(await textOf(store, "b", "copy")).toBe("content");
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("brings an older version of the same key back, as its newest one", async () => {
      const first = await save("k", "one", { metadata: { run: "1" }, mime_type: "text/csv" });
      await save("k", "two", { metadata: { run: "2" }, expires_in: 3_600 });
      const stale = store.artifacts.copy({ ...source, version: 1, if_version: 1 });
      await expect(stale).rejects.toMatchObject({ code: "version_conflict", details: { version: 2 } });
      const back = await store.artifacts.copy({ ...source, version: 1, if_version: 2, from_if_version: 2 });
      expect(back).toMatchObject({ version: 3, sha256: first.sha256, metadata: { run: "1" }, mime_type: "text/csv" });
      expect(back).toHaveProperty("previous_expires_at");
      expect(await store.artifacts.copy({ ...source, version: 1, if_version: 2 })).toMatchObject({
        version: 3,
        already_saved: true,
      });
      expect(await textsOf("k")).toEqual(["one", "two", "one"]);
      await store.artifacts.delete("b", "k", { version: 1 });
      expect(await textOf(store, "b", "k")).toBe("one");
      await expect(store.artifacts.copy({ ...source, version: 1 })).rejects.toMatchObject({
        code: "artifact_not_found",
        message: expect.stringContaining("versions 3 and 2"),
      });
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("brings back the oldest version where the number of versions is limited, which takes its place", async () => {
      store = on(engines, { keepVersions: 2 });
      for (const text of ["one", "two"]) await save("k", text);
      expect(await store.artifacts.copy({ ...source, version: 1 })).toMatchObject({ version: 3 });
      expect(await textsOf("k")).toEqual(["one", "two"]);
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("copies a given version, to another bucket under the same key, and across Unicode forms of a name", async () => {
      for (const text of ["one", "two"]) await save("über", text);
      const from = { bucket: "b", key: "u\u0308ber", version: 1, to_bucket: "c" };
      expect(await store.artifacts.copy(from)).toMatchObject({ bucket: "c", key: "über", version: 1 });
      expect(await textOf(store, "c", "über")).toBe("one");
    });

    it("gives the target its next number, and drops its oldest versions beyond keepVersions", async () => {
      store = on(engines, { keepVersions: 2 });
      await save("k", "content");
      for (const text of ["one", "two"]) await save("to", text);
      expect(await store.artifacts.copy({ ...source, to_key: "to" })).toMatchObject({ version: 3 });
      expect(await textsOf("to")).toEqual(["content", "two"]);
      await store.artifacts.delete("b", "to");
      expect(await store.artifacts.copy({ ...source, to_key: "to" })).toMatchObject({ version: 4 });
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("makes no version of what the newest version of the target is already, under a guard too", async () => {
      await save("k", "content", { metadata: { a: "b" } });
      const first = await store.artifacts.copy({ ...source, to_key: "to" });
      const before = new Map(engines.metadata.rows);
      for (const guard of [{}, { if_version: 0 }]) {
        const again = await store.artifacts.copy({ ...source, to_key: "to", ...guard });
        expect(again).toEqual({ ...first, already_saved: true });
      }
      expect(engines.metadata.rows).toEqual(before);
      await save("k", "content"); // other metadata
      expect(await store.artifacts.copy({ ...source, to_key: "to" })).toMatchObject({ version: 2, metadata: {} });
      expectNothingLeft(engines);
    });

    it("copies empty content", async () => {
      await save("k", "");
      expect(await store.artifacts.copy({ ...source, to_key: "to" })).toMatchObject({ version: 1, bytes: 0 });
      expect(await store.artifacts.copy({ ...source, to_key: "moved", move: true })).toMatchObject({ bytes: 0 });
      expectSound(engines);
    });

    it("needs the guard of the target to be met", async () => {
      await save("k", "content");
      for (const text of ["one", "two"]) await save("to", text);
      const before = new Map(engines.metadata.rows);
      for (const if_version of [0, 1, 3]) {
        await expect(store.artifacts.copy({ ...source, to_key: "to", if_version })).rejects.toMatchObject({
          code: "version_conflict",
          next: "copy_onto_newest",
          details: { key: "to", if_version, version: 2, newest: "2" },
        });
      }
      const edited = store.artifacts.copy({ ...source, to_key: "to", if_version: 2, if_edit: 1 });
      await expect(edited).rejects.toMatchObject({ message: expect.stringMatching(/^if_version is 2\.1, but "to"/) });
      expect(engines.metadata.rows).toEqual(before);
      expect(await store.artifacts.copy({ ...source, to_key: "to", if_version: 2 })).toMatchObject({ version: 3 });
      expect(await store.artifacts.copy({ ...source, to_key: "new", if_version: 0 })).toMatchObject({ version: 1 });
      expectNothingLeft(engines);
    });

    it("needs the guard of the source to be met, also at the moment of the change", async () => {
      for (const text of ["one", "two"]) await save("k", text);
      const guarded = { ...source, to_key: "to", from_if_version: 2 };
      const refused = { code: "version_conflict", next: "check_source" };
      for (const wrong of [{ from_if_version: 1 }, { from_if_edit: 1 }]) {
        await expect(store.artifacts.copy({ ...guarded, ...wrong })).rejects.toMatchObject(refused);
      }
      const late = overtaken(() => save("k", "three"));
      await expect(late.artifacts.copy(guarded)).rejects.toMatchObject({ ...refused, details: { version: 3 } });
      expect(row("b", "to")).toBeUndefined();
      expectNothingLeft(engines);
      // An older version that goes meanwhile does not matter.
      const trimmed = overtaken(() => store.artifacts.delete("b", "k", { version: 1 }));
      expect(await trimmed.artifacts.copy({ ...guarded, from_if_version: 3 })).toMatchObject({ version: 1 });
      expectNothingLeft(engines);
    });

    it("without a guard of the source does not care about later versions of it", async () => {
      await save("k", "one");
      const late = overtaken(() => save("k", "two"));
      await late.artifacts.copy({ ...source, to_key: "to" });
      expect(await textOf(store, "b", "to")).toBe("one");
    });

    it.each([
      ["the same key", { to_key: "k" }, "to_key"],
      ["the same key for a move of a version", { version: 1, move: true }, "to_key"],
      ["the same bucket and key", { to_bucket: "b" }, "to_key"],
      ["no target", {}, "to_key"],
      ["all versions without a move", { to_key: "to", all_versions: true }, "all_versions"],
    ])("refuses %s", async (_, wanted, argument) => {
      await save("k", "content");
      const refused = store.artifacts.copy({ ...source, ...wanted });
      await expect(refused).rejects.toMatchObject({ code: "invalid_argument", details: { argument } });
    });

    it("says which versions there are, and that a key was deleted", async () => {
      for (const text of ["one", "two", "three"]) await save("k", text);
      const copy = (wanted = {}) => store.artifacts.copy({ ...source, to_key: "to", ...wanted });
      await expect(copy({ version: 9 })).rejects.toMatchObject({
        code: "artifact_not_found",
        message: expect.stringMatching(/there are versions 3, 2 and 1\.$/),
      });
      await expect(copy({ key: "none" })).rejects.toMatchObject({ message: expect.stringMatching(/^There is no/) });
      await store.artifacts.delete("b", "k");
      await expect(copy()).rejects.toMatchObject({
        code: "artifact_not_found",
        message: expect.stringMatching(/"k" in bucket "b" was deleted, was moved or has expired/),
        details: { last_version: 3 },
      });
    });

    it("takes a key that has expired for absent", async () => {
      await save("k", "content");
      await save("to", "old");
      for (const key of ["k", "to"]) expire(key);
      await expect(store.artifacts.copy({ ...source, to_key: "new" })).rejects.toMatchObject({
        code: "artifact_not_found",
      });
      await save("other", "old");
      const copy = await store.artifacts.copy({ bucket: "b", key: "other", to_key: "to", if_version: 0 });
      expect(copy).toMatchObject({ version: 2 });
      expect(copy).not.toHaveProperty("already_saved");
    });

    it("is refused as corrupt if bytes of the source are lost, and leaves nothing", async () => {
      await save("k", "content");
      engines.content.files.clear();
      engines.metadata.pieceMap.clear();
      const copy = store.artifacts.copy({ ...source, to_key: "to" });
      await expect(copy).rejects.toMatchObject({ code: "corrupt", next: "verify_store" });
      expect(engines.content.files.size).toBe(0);
      expect(row("b", "to")).toBeUndefined();
    });

    it("counts against the quota of the store, and a move does not", async () => {
      await save("k", "1234567");
      const limited = on(engines, { maxStoreBytes: 10 });
      const full = limited.artifacts.copy({ ...source, to_key: "to" });
      await expect(full).rejects.toMatchObject({ code: "storage_full", next: "free_store_quota" });
      expectNothingLeft(engines);
      expect(await limited.artifacts.copy({ ...source, to_key: "to", move: true })).toMatchObject({ version: 1 });
      const more = saveText(limited, "b", "more", "12345");
      await expect(more).rejects.toMatchObject({ code: "storage_full" });
      expect(await saveText(limited, "b", "more", "123")).toMatchObject({ version: 1 });
    });

    it("stops when its signal is aborted, and leaves nothing", async () => {
      await save("k", "content");
      const stop = new AbortController();
      const metadata = { ...engines.metadata };
      metadata.getMany = async (keys) => {
        const texts = await engines.metadata.getMany(keys);
        if (keys.some((key) => key.endsWith("\tto"))) stop.abort(new Error("enough"));
        return texts;
      };
      const copy = on({ ...engines, metadata }).artifacts.copy({ ...source, to_key: "to" }, { signal: stop.signal });
      await expect(copy).rejects.toThrow("enough");
      expect(row("b", "to")).toBeUndefined();
      expectNothingLeft(engines);
    });
  });

  describe("copy() with move", () => {
    it("takes all versions along as they are, under the next numbers of the target, and the source is gone", async () => {
      for (const n of [1, 2, 3]) await save("k", `text ${n}`, { metadata: { n: `${n}` }, saved_by: `saver ${n}` });
      await store.artifacts.delete("b", "k", { version: 2 });
      const before = row("b", "k")?.versions ?? [];
      await save("to", "old");
      const moved = await store.artifacts.copy({
        ...source,
        to_key: "to",
        move: true,
        if_version: 1,
        saved_by: "mover",
      });
      expect(moved).toMatchObject({ key: "to", version: 3, moved_versions: 2, saved_by: "saver 3" });
      expect(await textsOf("to")).toEqual(["text 3", "text 1", "old"]);
      const facts = (version: object) => ({ ...version, version: 0, session: "", pieces: [] });
      expect(row("b", "to")?.versions.slice(0, 2).map(facts)).toEqual(before.map(facts));
      expect(row("b", "k")).toBeUndefined();
      expect(JSON.parse(engines.metadata.rows.get("gone\tb\tk") ?? "")).toMatchObject({ last: 3 });
      expect(await save("k", "again")).toMatchObject({ version: 4 });
      await store.artifacts.delete("b", "k");
      expectSound(engines);
      expectNothingLeft(engines);
      expect((await store.verify()).faults).toEqual([]);
    });

    it("with all_versions false publishes the newest version alone, and deletes the older ones", async () => {
      for (const text of ["one", "two"]) await save("k", text);
      const moved = await store.artifacts.copy({ ...source, to_key: "to", move: true, all_versions: false });
      expect(moved).toMatchObject({ version: 1, moved_versions: 1 });
      expect(await textsOf("to")).toEqual(["two"]);
      expect(row("b", "k")).toBeUndefined();
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("keeps the expiry and the edits of what it moves, and no idempotency key", async () => {
      await save("k", "content", { idempotency_key: "request" });
      expire("k", 4_000_000_000, 2);
      await store.artifacts.copy({ ...source, to_key: "to", move: true });
      const [version] = row("b", "to")?.versions ?? [];
      expect(version).toMatchObject({ edit: 2, expires_at: 4_000_000_000 });
      expect(version).not.toHaveProperty("idempotency_keys");
      const copied = await store.artifacts.copy({ bucket: "b", key: "to", to_key: "copied" });
      expect(copied).not.toHaveProperty("expires_at");
      expect(copied).not.toHaveProperty("edit");
    });

    it("takes at most keepVersions versions along, the newest ones", async () => {
      for (const text of ["one", "two", "three"]) await save("k", text);
      await save("to", "old");
      store = on(engines, { keepVersions: 2 });
      const moved = await store.artifacts.copy({ ...source, to_key: "to", move: true, if_version: 1 });
      expect(moved).toMatchObject({ version: 3, moved_versions: 2 });
      expect(await textsOf("to")).toEqual(["three", "two"]);
      expectNothingLeft(engines);
    });

    it("onto a key that exists needs if_version, and says which", async () => {
      await save("k", "content");
      for (const text of ["one", "content"]) await save("to", text);
      const before = new Map(engines.metadata.rows);
      const move = (guard = {}) => store.artifacts.copy({ ...source, to_key: "to", move: true, ...guard });
      await expect(move()).rejects.toMatchObject({
        code: "version_conflict",
        next: "copy_onto_newest",
        message: expect.stringMatching(/needs if_version, and "to" in bucket "b" has version 2 as its newest/),
        details: { version: 2, newest: "2" },
      });
      await expect(move({ if_version: 1 })).rejects.toMatchObject({ code: "version_conflict" });
      expect(engines.metadata.rows).toEqual(before);
      expect(await move({ if_version: 2 })).toMatchObject({ version: 3 });
      expect(row("b", "k")).toBeUndefined();
    });

    it("without a guard leaves what another process saves at the target meanwhile", async () => {
      await save("k", "content");
      const late = overtaken(() => save("to", "theirs"));
      const move = late.artifacts.copy({ ...source, to_key: "to", move: true });
      await expect(move).rejects.toMatchObject({ code: "version_conflict", details: { version: 1 } });
      expect([await textsOf("to"), await textsOf("k")]).toEqual([["theirs"], ["content"]]);
      expectNothingLeft(engines);
    });

    it("takes along what is saved at the source meanwhile, unless it has a guard or a version", async () => {
      const move = { ...source, to_key: "to", move: true };
      for (const guard of [{ from_if_version: 1 }, { version: 1 }, {}]) {
        engines = createMemoryEngines();
        store = on();
        await save("k", "one");
        const late = overtaken(() => save("k", "two"));
        const moving = late.artifacts.copy({ ...move, ...guard });
        if (Object.keys(guard).length === 0) {
          expect(await moving).toMatchObject({ version: 2, moved_versions: 2 });
        } else {
          const conflict = { code: "version_conflict", next: "check_source", details: { version: 2 } };
          await expect(moving).rejects.toMatchObject(conflict);
          expect(await textsOf("k")).toEqual(["two", "one"]);
        }
        expectNothingLeft(engines);
      }
      expect(await textsOf("to")).toEqual(["two", "one"]);
      expectNothingLeft(engines);
    });

    it("leaves nothing of a version that is deleted at the source meanwhile", async () => {
      for (const text of ["one", "two"]) await save("k", text);
      const late = overtaken(() => store.artifacts.delete("b", "k", { version: 1 }));
      expect(await late.artifacts.copy({ ...source, to_key: "to", move: true })).toMatchObject({ moved_versions: 1 });
      expect(await textsOf("to")).toEqual(["two"]);
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("needs version to be the newest", async () => {
      for (const text of ["one", "two"]) await save("k", text);
      const move = (version: number) => store.artifacts.copy({ ...source, to_key: "to", move: true, version });
      await expect(move(1)).rejects.toMatchObject({ code: "version_conflict", details: { version: 2 } });
      await expect(move(3)).rejects.toMatchObject({ code: "artifact_not_found" });
      expect(await move(2)).toMatchObject({ version: 2, moved_versions: 2 });
    });

    it("that was made already says so: the source is gone and the target is there", async () => {
      await save("k", "content");
      const move = { ...source, to_key: "to", move: true };
      await store.artifacts.copy(move);
      await expect(store.artifacts.copy(move)).rejects.toMatchObject({
        code: "artifact_not_found",
        message: expect.stringMatching(/was deleted, was moved.*"to" in bucket "b" has version 1\. Nothing was moved/),
      });
    });

    it("there and back again keeps all versions, whose numbers go on", async () => {
      for (const text of ["one", "two"]) await save("k", text);
      await store.artifacts.copy({ ...source, to_key: "to", move: true });
      await store.artifacts.copy({ bucket: "b", key: "to", to_key: "k", move: true });
      expect(row("b", "k")?.versions.map(({ version }) => version)).toEqual([4, 3]);
      expect(await textsOf("k")).toEqual(["two", "one"]);
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("keeps the bytes of all its versions when the sweep forgets their session", async () => {
      for (const text of ["one", "two", "three"]) await save("k", text);
      await store.artifacts.copy({ ...source, to_key: "to", move: true });
      await store.artifacts.delete("b", "to", { version: 2 });
      const later = on(engines, { now: () => Date.now() + 10 * dayMs });
      expect(await later.sweep.run(sweepAll)).toMatchObject({ failed: 0 });
      expect([...engines.metadata.rows.keys()].filter((key) => key.startsWith("session\t"))).toEqual([]);
      expect(await textsOf("to")).toEqual(["three", "one"]);
      expectSound(engines);
      expectNothingLeft(engines);
      expect((await store.verify({ graceMs: -10_000 })).faults).toEqual([]);
    });

    it("is not told as undone if its change was made although it reported an error", async () => {
      for (const text of ["one", "two"]) await save("k", text);
      const change: typeof engines.metadata.change = async (rows, pieces) => {
        const isDone = await engines.metadata.change(rows, pieces);
        if (rows.some(({ key }) => key.startsWith("artifact\t"))) throw new ArtifactError("internal", "busy");
        return isDone;
      };
      const failing = on({ ...engines, metadata: { ...engines.metadata, change } });
      expect(await failing.artifacts.copy({ ...source, to_key: "to", move: true })).toMatchObject({ version: 2 });
      expect(await failing.artifacts.delete("b", "to", { version: 1 })).toMatchObject({ version: 1 });
      expect(await textsOf("to")).toEqual(["two"]);
      expectNothingLeft(engines);
    });

    it("is given up if a sweep takes it for dead, and leaves nothing", async () => {
      if (pieceLimits !== noRowPieces) return; // without files there is no session
      await save("k", "content");
      const late = overtaken(() => store.sweep.run(sweepAll));
      const move = late.artifacts.copy({ ...source, to_key: "to", move: true });
      await expect(move).rejects.toMatchObject({ code: "internal", next: "call_again" });
      expect(await textsOf("k")).toEqual(["content"]);
      expectNothingLeft(engines);
      // The same, and the row of its session is gone too.
      const after = on(engines, { now: () => Date.now() + 10 * dayMs });
      const later = overtaken(async () => {
        for (const _ of [1, 2]) await after.sweep.run(sweepAll);
      });
      await expect(later.artifacts.copy({ ...source, to_key: "to", move: true })).rejects.toMatchObject({
        code: "internal",
      });
      expectNothingLeaked(engines);
    });

    it.each([true, false])(
      "leaves no piece without a row, whichever step fails (before its effect: %s)",
      async (isBefore) => {
        for (let failing = 1; await failAt(failing, isBefore); failing += 1);
      },
    );
  });

  /** Lets a step of a move fail. Returns false if the move has no such step. */
  async function failAt(failing: number, isBefore: boolean): Promise<boolean> {
    engines = createMemoryEngines();
    store = on();
    for (const text of ["one", "three"]) await save("k", text);
    await save("to", "old");
    const view = failOnce(engines, failing, new ArtifactError("internal", "EIO"), isBefore);
    await on(view)
      .artifacts.copy({ ...source, to_key: "to", move: true, if_version: 1 })
      .catch(({ code }) => expect(code).toBe("internal"));
    expectSound(engines);
    expectNothingLeaked(engines);
    const texts = [await textsOf("k"), await textsOf("to")];
    const undone = [["three", "one"], ["old"]];
    const done = [[], ["three", "one", "old"]];
    expect([undone, done], `step ${failing}`).toContainEqual(texts);
    const later = on(engines, { now: () => Date.now() + 10 * dayMs });
    for (const _ of [1, 2, 3]) await later.sweep.run(sweepAll);
    expectNothingLeft(engines);
    return view.steps() >= failing;
  }

  /** A store for which `other` runs right before its first change of an artifact row. */
  function overtaken(other: () => Promise<unknown>): Store {
    let isOver = false;
    const change: typeof engines.metadata.change = async (rows, pieces) => {
      if (!isOver && rows.some(({ key }) => key.startsWith("artifact\t"))) {
        isOver = true;
        await other();
      }
      return engines.metadata.change(rows, pieces);
    };
    return on({ ...engines, metadata: { ...engines.metadata, change } });
  }

  /** Gives the newest version of a key an expiry, long ago by default. */
  function expire(key: string, expires_at = 1, edit = 1): void {
    const record = row("b", key);
    const [newest, ...older] = record?.versions ?? [];
    const text = JSON.stringify({ ...record, versions: [{ ...newest, expires_at, edit }, ...older] });
    engines.metadata.rows.set(`artifact\tb\t${key}`, text);
  }
});
