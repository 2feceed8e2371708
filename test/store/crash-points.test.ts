import { describe, expect, it } from "vitest";
import type { Store } from "../../src/store/store.js";
import { Dead, mortal } from "../support/faults.js";
import { expectSound } from "../support/invariants.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../support/stores.js";

/*
 * A process is killed before, and right after, every single step that it makes on its engines. Then another process
 * takes over: what was acknowledged is there, the rows and files agree, and the operation can be made again.
 */

interface Scenario {
  readonly name: string;
  /** Before the process that dies: answers what the steps need. */
  prepare(store: Store, engines: MemoryEngines): Promise<string>;
  act(store: Store, id: string): Promise<unknown>;
  /** Makes the operation again and checks where it ended. `isDone`: the dying process had heard its answer. */
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
    name: "a completion that has to copy another process's segments, over a version that is there",
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
    name: "a completion of what the newest version is already",
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
    name: "a completion whose guard is not met, then met",
    async prepare(store) {
      await saveText(store, "b", "k", "there");
      const id = await session(store, { if_version: 0 });
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
      const offset = await store.uploads.get(id).then(
        ({ offset }) => offset,
        () => 0,
      );
      const again = store.uploads.append(id, offset, bytesOf("abc".slice(offset)));
      await expect(again).rejects.toMatchObject({ code: "checksum_mismatch" });
      expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 0 });
      await expect(store.artifacts.get("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
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
    name: "deleting all versions",
    async prepare(store) {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      return "";
    },
    act: ({ artifacts }) => artifacts.delete("b", "k"),
    async verify(store) {
      await store.artifacts.delete("b", "k").catch((error) => expect(error.code).toBe("artifact_not_found"));
      await expect(store.artifacts.get("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
      await saveText(store, "b", "k", "again");
      expect(await textOf(store, "b", "k")).toBe("again");
    },
  },
  {
    name: "deleting the newest version",
    async prepare(store) {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      return "";
    },
    act: ({ artifacts }) => artifacts.delete("b", "k", 2),
    async verify(store) {
      await store.artifacts.delete("b", "k", 2).catch((error) => expect(error.code).toBe("artifact_not_found"));
      expect(await textOf(store, "b", "k")).toBe("one");
      expect(await saveText(store, "b", "k", "three")).toMatchObject({ version: 3 });
    },
  },
  {
    name: "aborting a held upload",
    async prepare(store) {
      await saveText(store, "b", "k", "there");
      const id = await session(store, { if_version: 0 });
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
    name: "a sweep of publications that were left in the middle, and of what nobody names",
    async prepare(store, engines) {
      const { metadata, blobs } = engines;
      const isArtifact = (key: string): boolean => key.startsWith("artifact:");
      const replace: typeof metadata.replace = async (key, ...rest) => {
        if (isArtifact(key)) throw new Dead("dead before its commit point");
        return metadata.replace(key, ...rest);
      };
      const dying = storeOn({ metadata: { ...metadata, replace }, blobs });
      const id = await session(store);
      await store.uploads.append(id, 0, bytesOf("abc"));
      await expect(dying.uploads.complete(id)).rejects.toBeInstanceOf(Dead);
      await blobs.createSegment("f".repeat(32), 0);
      await metadata.put(`upload:b:k:${"f".repeat(32)}`, "{}");
      return id;
    },
    act: ({ sweep }) => sweep.run({ graceMs: 0 }),
    async verify(store, id) {
      expect(await store.sweep.run({ graceMs: 0 })).toMatchObject({ failed: 0 });
      expect(await store.uploads.get(id)).toMatchObject({ status: "complete", artifact: { version: 1 } });
      expect(await textOf(store, "b", "k")).toBe("abc");
      expect(await store.sweep.run({ graceMs: 0 })).toEqual({ expired: 0, settled: 0, rows: 0, files: 0, failed: 0 });
    },
  },
  {
    name: "a repair",
    async prepare(store, { metadata, blobs }) {
      const id = await session(store);
      await store.uploads.append(id, 0, bytesOf("abc"));
      await metadata.drop(`upload:b:k:${id}`);
      await metadata.put("something:else", "{}");
      const { name } = await blobs.createSegment("f".repeat(32), 0);
      await blobs.install("f".repeat(32), name);
      for (const file of [...blobs.segments.values(), ...blobs.blobs.values()]) file.written_at = 0;
      return id;
    },
    async act(store) {
      await store.verify({ repair: true });
      await store.verify({ repair: true }); // behind the rows that could not be read
    },
    async verify(store, id) {
      await this.act(store, id);
      expect((await store.verify()).faults).toEqual([]);
      expect((await store.uploads.list({ limit: 9 })).data).toMatchObject([{ id, offset: 3 }]);
    },
  },
];

/** Lets a process die at one step; answers false where it came to its end before. */
async function dieAt(step: number, after: boolean, scenario: Scenario): Promise<boolean> {
  const engines: MemoryEngines = createMemoryEngines();
  const options = { keepVersions: 2 };
  const id = await scenario.prepare(storeOn(engines, options), engines);
  const view = mortal(engines, step, after);
  const died = await scenario.act(storeOn(view, options), id).then(
    () => false,
    (error) => error instanceof Dead || view.steps() >= step,
  );
  expectSound(engines);
  await scenario.verify(storeOn(engines, options), id);
  expectSound(engines);
  return died || view.steps() >= step;
}

describe.each(scenarios)("a process that dies during $name", (scenario) => {
  it.each([false, true])("at any step (behind its effect: %s) loses nothing and can be made good", async (after) => {
    let step = 1;
    while (await dieAt(step, after, scenario)) step += 1;
    expect(step).toBeGreaterThan(2);
  });
});
