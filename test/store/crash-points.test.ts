import { describe, expect, it } from "vitest";
import { sha256Of } from "../../src/store/model/artifact.js";
import { defaultPieceLimits, type PieceLimits } from "../../src/store/model/limits.js";
import type { Store } from "../../src/store/store.js";
import { Dead, mortal, type Step, stepwise } from "../support/faults.js";
import { expectListed, expectNothingLeft, expectSound } from "../support/invariants.js";
import {
  bytesOf,
  createMemoryEngines,
  type MemoryEngines,
  noRowPieces,
  saveText,
  storeOn,
  textOf,
  tinyPieces,
} from "../support/stores.js";

/*
 * A process is killed before, and right after, each step that it makes on its engines. Then another process takes over.
 * All acknowledged bytes must be there, the rows and files must agree, and the operation can be done again.
 */

interface Scenario {
  readonly name: string;
  /** The store is damaged before the process dies: its listings may lack a session. */
  readonly isDamaged?: boolean;
  /** Runs before the process that dies. Returns the session id that `act` and `verify` need, or an empty text. */
  prepare(store: Store, engines: MemoryEngines): Promise<string>;
  act(store: Store, id: string): Promise<unknown>;
  /** Does the operation again and checks the result. */
  verify(store: Store, id: string): Promise<void>;
}

const session = async ({ uploads }: Store, options = {}): Promise<string> => {
  const { id } = await uploads.create({ bucket: "b", key: "k", ...options });
  return id;
};

const scenarios: readonly Scenario[] = [
  {
    name: "an append in the middle",
    async prepare(store) {
      const id = await session(store, { size: 9 });
      await store.uploads.append(id, 0, bytesOf("abc"));
      return id;
    },
    act: ({ uploads }, id) => uploads.append(id, 3, bytesOf("def")),
    async verify(store, id) {
      const { offset } = await store.uploads.get(id);
      expect([3, 6]).toContain(offset);
      await store.uploads.append(id, offset, bytesOf("abcdefghi".slice(offset)));
      expect(await textOf(store, "b", "k")).toBe("abcdefghi");
    },
  },
  {
    name: "two appends, the second of which publishes",
    prepare: (store) => session(store, { size: 6 }),
    async act({ uploads }, id) {
      await uploads.append(id, 0, bytesOf("abc"));
      await uploads.append(id, 3, bytesOf("def"));
    },
    async verify(store, id) {
      const { offset } = await store.uploads.get(id);
      const done = await store.uploads.append(id, offset, bytesOf("abcdef".slice(offset)));
      expect(done).toMatchObject({ status: "complete", artifact: { version: 1 } });
      expect(await store.uploads.append(id, 3, bytesOf("def"))).toEqual(done);
      expect(await textOf(store, "b", "k")).toBe("abcdef");
    },
  },
  {
    name: "a completion of pieces of several processes, on a key that has a version",
    async prepare(store) {
      await saveText(store, "b", "k", "before");
      const id = await session(store);
      await store.uploads.append(id, 0, bytesOf("abc"));
      return id;
    },
    async act({ uploads }, id) {
      await uploads.append(id, 3, bytesOf("def"));
      await uploads.complete(id);
    },
    async verify(store, id) {
      await store.uploads.append(id, 0, bytesOf("abcdef"));
      expect(await store.uploads.complete(id)).toMatchObject({ status: "complete", artifact: { version: 2 } });
      expect(await textOf(store, "b", "k")).toBe("abcdef");
      expect(await textOf(store, "b", "k", 1)).toBe("before");
    },
  },
  {
    name: "a completion that drops the oldest version",
    async prepare(store) {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      const id = await session(store);
      await store.uploads.append(id, 0, bytesOf("three"));
      return id;
    },
    act: ({ uploads }, id) => uploads.complete(id),
    async verify(store, id) {
      expect(await store.uploads.complete(id)).toMatchObject({ artifact: { version: 3 } });
      expect(await textOf(store, "b", "k", 2)).toBe("two");
      await expect(store.artifacts.get("b", "k", 1)).rejects.toMatchObject({ code: "artifact_not_found" });
    },
  },
  {
    name: "a completion of the same content as the newest version",
    async prepare(store) {
      await saveText(store, "b", "k", "same");
      const id = await session(store, { mime_type: "text/plain" });
      await store.uploads.append(id, 0, bytesOf("same"));
      return id;
    },
    act: ({ uploads }, id) => uploads.complete(id),
    async verify(store, id) {
      expect(await store.uploads.complete(id)).toMatchObject({ artifact: { version: 1 } });
      expect((await store.artifacts.listVersions("b", "k", { limit: 9 })).data).toHaveLength(1);
    },
  },
  {
    name: "a completion whose guard is not met at first, and then met",
    async prepare(store) {
      await saveText(store, "b", "k", "there");
      const id = await session(store, { if_version: 0, checksGuardAtEnd: true });
      await store.uploads.append(id, 0, bytesOf("new"));
      return id;
    },
    async act({ uploads }, id) {
      await expect(uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
      await uploads.complete(id, { if_version: 1 });
    },
    async verify(store, id) {
      const done = await store.uploads.complete(id, { if_version: 1 });
      expect(done).toMatchObject({ status: "complete", artifact: { version: 2 } });
    },
  },
  {
    name: "a digest that does not match",
    async prepare(store) {
      return session(store, { size: 3, sha256: "0".repeat(64) });
    },
    act: ({ uploads }, id) => uploads.append(id, 0, bytesOf("abc")),
    async verify(store, id) {
      const again = store.uploads.append(id, 0, bytesOf("abc"));
      await expect(again).rejects.toMatchObject({ code: "checksum_mismatch" });
      await expect(store.artifacts.get("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
      const done = await store.uploads.complete(id, { sha256: sha256Of("abc") });
      expect(done).toMatchObject({ status: "complete", offset: 3, artifact: { version: 1 } });
    },
  },
  {
    name: "a save",
    prepare: async () => "",
    act: (store) => saveText(store, "b", "k", "text"),
    async verify(store) {
      expect(await saveText(store, "b", "k", "text")).toMatchObject({ version: 1 });
      expect((await store.artifacts.listVersions("b", "k", { limit: 9 })).data).toHaveLength(1);
    },
  },
  {
    name: "a save of the same content with another expiry",
    async prepare(store) {
      await save(store, "text", hourSeconds);
      return "";
    },
    act: (store) => save(store, "text", 2 * hourSeconds),
    async verify(store) {
      const { version, edit, expires_at = 0 } = await save(store, "text", 2 * hourSeconds);
      expect([version, edit]).toEqual([2, undefined]);
      expect(expires_at).toBeGreaterThan(Date.now() / 1000 + 1.5 * hourSeconds);
      const before = await store.artifacts.get("b", "k", 1);
      expect(before.expires_at).toBeLessThan(Date.now() / 1000 + 1.5 * hourSeconds);
    },
  },
  {
    name: "a copy that brings an older version back",
    async prepare(store) {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      return "";
    },
    act: (store) => store.artifacts.copy({ bucket: "b", key: "k", version: 1 }),
    async verify(store) {
      // The copy takes the place of the oldest version. If it was made, there is no version 1 to copy any more.
      if ((await store.artifacts.get("b", "k")).version === 2) await this.act(store, "");
      expect(await store.artifacts.get("b", "k")).toMatchObject({ version: 3 });
      expect(await textOf(store, "b", "k")).toBe("one");
      expect(await textOf(store, "b", "k", 2)).toBe("two");
    },
  },
  {
    name: "an update of metadata and expiry",
    async prepare(store) {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      return "";
    },
    act: update,
    async verify(store) {
      expect(await update(store)).toMatchObject({ version: 2, edit: 1, metadata: { a: "1" } });
      expect(await textOf(store, "b", "k")).toBe("two");
      expect(await textOf(store, "b", "k", 1)).toBe("one");
    },
  },
  {
    name: "a save on top of a version that has expired",
    async prepare(_, engines) {
      await saveExpired(engines, "k", "text");
      return "";
    },
    act: (store) => save(store, "text", hourSeconds),
    async verify(store) {
      expect(await save(store, "text", hourSeconds)).toMatchObject({ version: 2 });
      expect(await textOf(store, "b", "k", 1)).toBe("text");
    },
  },
  {
    name: "two sweeps of a key that has expired",
    async prepare(store, engines) {
      await saveText(store, "b", "stays", "abc");
      for (const text of ["one", "two"]) await saveExpired(engines, "k", text);
      return "";
    },
    async act({ sweep }) {
      await sweep.run({ graceMs: 0, trustsClock: true });
      await sweep.run({ graceMs: 0, trustsClock: true });
    },
    async verify(store) {
      await this.act(store, "");
      expect(await textOf(store, "b", "stays")).toBe("abc");
      await expect(store.artifacts.get("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
      const nothing = { expired: 0, settled: 0, rows: 0, files: 0, artifacts: 0, failed: 0 };
      expect(await store.sweep.run({ graceMs: 0, trustsClock: true })).toEqual(nothing);
      expect(await saveText(store, "b", "k", "three")).toMatchObject({ version: 3 });
    },
  },
  {
    name: "deleting all versions",
    async prepare(store) {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      return "";
    },
    act: ({ artifacts }) => artifacts.delete("b", "k"),
    async verify(store) {
      await store.artifacts.delete("b", "k").catch((error) => expect(error.code).toBe("artifact_not_found"));
      await expect(store.artifacts.get("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
      expect(await saveText(store, "b", "k", "again")).toMatchObject({ version: 3 });
      expect(await textOf(store, "b", "k")).toBe("again");
    },
  },
  {
    name: "deleting the newest version",
    async prepare(store) {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      return "";
    },
    act: ({ artifacts }) => artifacts.delete("b", "k", { version: 2 }),
    async verify(store) {
      await store.artifacts
        .delete("b", "k", { version: 2 })
        .catch((error) => expect(error.code).toBe("artifact_not_found"));
      expect(await textOf(store, "b", "k")).toBe("one");
      expect(await saveText(store, "b", "k", "three")).toMatchObject({ version: 3 });
    },
  },
  {
    name: "aborting an upload in conflict",
    async prepare(store) {
      await saveText(store, "b", "k", "there");
      const id = await session(store, { if_version: 0, checksGuardAtEnd: true });
      await store.uploads.append(id, 0, bytesOf("new"));
      await store.uploads.complete(id).catch(() => undefined);
      return id;
    },
    act: ({ uploads }, id) => uploads.abort(id),
    async verify(store, id) {
      expect(await store.uploads.abort(id)).toMatchObject({ status: "aborted" });
      expect(await textOf(store, "b", "k")).toBe("there");
    },
  },
  {
    name: "a session that begins with a copy, and its completion",
    async prepare(store) {
      await saveText(store, "b", "source", "abc");
      return "";
    },
    async act({ uploads }) {
      const { id } = await uploads.create({ bucket: "b", key: "k", from: { bucket: "b", key: "source" } });
      await uploads.append(id, 3, bytesOf("def"));
      await uploads.complete(id);
    },
    async verify(store) {
      await this.act(store, "");
      expect(await textOf(store, "b", "k")).toBe("abcdef");
      expect(await textOf(store, "b", "source")).toBe("abc");
    },
  },
  {
    name: "a copy onto a key that has versions",
    async prepare(store) {
      await saveText(store, "b", "source", "abcdef");
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      return "";
    },
    act: ({ artifacts }) => artifacts.copy({ bucket: "b", key: "source", to_key: "k", if_version: 2 }),
    async verify(store) {
      expect(await this.act(store, "")).toMatchObject({ version: 3 });
      expect([await textOf(store, "b", "k"), await textOf(store, "b", "k", 2)]).toEqual(["abcdef", "two"]);
      expect(await textOf(store, "b", "source")).toBe("abcdef");
    },
  },
  {
    name: "a move of all versions onto a key that has one",
    async prepare(store) {
      await saveText(store, "b", "k", "before");
      for (const text of ["abc", "abcdef"]) await saveText(store, "b", "source", text);
      return "";
    },
    act: ({ artifacts }) => artifacts.copy({ bucket: "b", key: "source", to_key: "k", move: true, if_version: 1 }),
    async verify(store) {
      await this.act(store, "").catch((error) => expect(error).toMatchObject({ code: "artifact_not_found" }));
      expect([await textOf(store, "b", "k", 3), await textOf(store, "b", "k", 2)]).toEqual(["abcdef", "abc"]);
      await expect(store.artifacts.get("b", "k", 1)).rejects.toMatchObject({ code: "artifact_not_found" });
      await expect(store.artifacts.get("b", "source")).rejects.toMatchObject({ code: "artifact_not_found" });
    },
  },
  {
    name: "a move of the newest version, and a move back",
    async prepare(store) {
      for (const text of ["abc", "abcdef"]) await saveText(store, "b", "k", text);
      return "";
    },
    async act({ artifacts }) {
      await artifacts.copy({ bucket: "b", key: "k", to_key: "other", move: true, all_versions: false });
      await artifacts.copy({ bucket: "b", key: "other", to_key: "k", move: true });
    },
    async verify(store) {
      const texts = ["k", "other"].map((key) => textOf(store, "b", key).catch(({ code }) => code));
      expect((await Promise.all(texts)).sort()).toEqual(["abcdef", "artifact_not_found"]);
    },
  },
  {
    name: "deleting under a prefix",
    async prepare(store) {
      for (const key of ["k", "k/1", "k/2", "other"]) await saveText(store, "b", key, key);
      const found = await store.artifacts.deleteUnder({ bucket: "b", prefix: "k" });
      return "confirm" in found ? (found.confirm ?? "") : "";
    },
    act: ({ artifacts }, confirm) => artifacts.deleteUnder({ bucket: "b", prefix: "k", confirm }),
    async verify(store, confirm) {
      await saveText(store, "b", "k/2", "later");
      expect(await this.act(store, confirm)).toMatchObject({ kept: 1 });
      const { data } = await store.artifacts.list({ bucket: "b", limit: 9 });
      expect(data.map(({ key }) => key)).toEqual(["k/2", "other"]);
    },
  },
  {
    name: "an upload of more pieces than an upload may have",
    prepare: (store) => session(store),
    async act({ uploads }, id) {
      for (const [at, text] of [..."abcdef"].entries()) await uploads.append(id, at, bytesOf(text));
      await uploads.complete(id);
    },
    async verify(store, id) {
      await store.uploads.append(id, 0, bytesOf("abcdef"));
      expect(await store.uploads.complete(id)).toMatchObject({ status: "complete", artifact: { version: 1 } });
      expect(await textOf(store, "b", "k")).toBe("abcdef");
    },
  },
  {
    name: "a sweep of a full upload, an expired one, an ended one, and a piece that no row names",
    async prepare(store, engines) {
      const id = await session(store, { size: 3 });
      let looks = 0;
      const step: Step = async (act, name) => {
        if (name === "getMany") looks += 1;
        if (looks === 2) throw new Dead("dead before it publishes");
        return act();
      };
      const dying = storeOn(stepwise(engines, step));
      await expect(dying.uploads.append(id, 0, bytesOf("abc"))).rejects.toBeInstanceOf(Dead);
      const earlier = storeOn(engines, { now: () => Date.now() - longMs, pieceLimits: noRowPieces });
      const { id: past } = await earlier.uploads.create({ bucket: "b", key: "past" });
      await earlier.uploads.append(past, 0, bytesOf("abc"));
      const { id: ended } = await store.uploads.create({ bucket: "b", key: "ended" });
      await engines.content.createPiece(ended, 0);
      await store.uploads.abort(ended);
      return id;
    },
    act: sweepAll,
    async verify(store, id) {
      await sweepAll(store);
      expect(await textOf(store, "b", "k")).toBe("abc");
      await expect(store.uploads.get(id)).rejects.toMatchObject({ code: "session_not_found" });
      const nothing = { expired: 0, settled: 0, rows: 0, files: 0, artifacts: 0, failed: 0 };
      expect(await store.sweep.run({ graceMs: 0, trustsClock: true })).toEqual(nothing);
      expect((await store.uploads.list({ all: true, limit: 9 })).data).toEqual([]);
    },
  },
  {
    name: "a repair",
    isDamaged: true,
    async prepare(store, { metadata, content }) {
      const id = await session(store);
      await store.uploads.append(id, 0, bytesOf("abc"));
      for (const key of [...metadata.rows.keys()]) if (/^(upload|open)\t/.test(key)) metadata.rows.delete(key);
      metadata.rows.set("something\telse", "{}");
      metadata.pieceMap.set("nobody/0-1", bytesOf("abc"));
      await content.createPiece("f".repeat(32), 0);
      for (const file of content.files.values()) file.written_at = 0;
      return id;
    },
    async act(store) {
      await store.verify({ repair: true });
      await store.verify({ repair: true }); // the second time for the rows that could not be parsed
    },
    async verify(store, id) {
      await this.act(store, id);
      expect((await store.verify()).faults).toEqual([]);
      expect((await store.uploads.list({ all: true, limit: 9 })).data).toMatchObject([{ id, offset: 3 }]);
    },
  },
];

const hourSeconds = 60 * 60;

async function save({ artifacts }: Store, text: string, expires_in: number) {
  return artifacts.save({ bucket: "b", key: "k", bytes: bytesOf(text), defaultMimeType: "text/plain", expires_in });
}

async function update({ artifacts }: Store) {
  return artifacts.update({ bucket: "b", key: "k", metadata: { a: "1" }, expires_in: hourSeconds });
}

/** Saves content that expired an hour ago, in place of content that had not expired then. */
async function saveExpired(engines: MemoryEngines, key: string, text: string): Promise<void> {
  const earlier = storeOn(engines, { now: () => Date.now() - 2 * hourSeconds * 1000, pieceLimits: noRowPieces });
  const bytes = bytesOf(text);
  await earlier.artifacts.save({ bucket: "b", key, bytes, defaultMimeType: "text/plain", expires_in: hourSeconds });
  await earlier.close();
}

/**
 * Sweeps several times, because one sweep may prepare the next: a full upload is published, then its row is deleted.
 */
async function sweepAll({ sweep }: Store): Promise<void> {
  for (let times = 0; times < 3; times += 1) await sweep.run({ graceMs: -longMs, trustsClock: true });
}

/** Longer than any session lives. */
const longMs = 10 * 24 * 60 * 60 * 1000;

/** Lets a process die at one step. Returns false if the process ended before that step. */
async function dieAt(step: number, after: boolean, scenario: Scenario, pieceLimits: PieceLimits): Promise<boolean> {
  const engines: MemoryEngines = createMemoryEngines();
  const options = { keepVersions: 2, pieceLimits, freedGatherMs: 2 ** 31 - 1 };
  const id = await scenario.prepare(storeOn(engines, options), engines);
  const view = mortal(engines, step, after);
  const died = await scenario.act(storeOn(view, options), id).then(
    () => false,
    (error) => error instanceof Dead || view.steps() >= step,
  );
  expectSound(engines);
  if (!scenario.isDamaged) expectListed(engines);
  await scenario.verify(storeOn(engines, options), id);
  expectSound(engines);
  expectListed(engines);
  await sweepAll(storeOn(engines, { ...options, now: () => Date.now() + longMs }));
  expectNothingLeft(engines);
  return died || view.steps() >= step;
}

const places = [
  { where: "in rows", limits: defaultPieceLimits },
  { where: "in the content store", limits: { ...noRowPieces, maxPieces: 2 } },
  { where: "in both", limits: tinyPieces },
];
const cases = scenarios.flatMap((scenario) => places.map((place) => ({ name: scenario.name, scenario, place })));

describe.each(cases)("a process that dies during $name, with bytes $place.where,", ({ scenario, place }) => {
  it.each([false, true])("at any step (after its effect: %s) loses nothing, and can be repeated", async (after) => {
    let step = 1;
    while (await dieAt(step, after, scenario, place.limits)) step += 1;
    expect(step).toBeGreaterThan(2);
  });
});
