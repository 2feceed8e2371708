import { beforeEach, describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { Store } from "../../../src/store/store.js";
import { Dead } from "../../support/faults.js";
import { expectNothingLeaked, expectSound } from "../../support/invariants.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

let engines: MemoryEngines;
let store: Store;

beforeEach(() => {
  engines = createMemoryEngines();
  store = storeOn(engines);
});

type Removal = "removeBlob" | "removeUpload";
const broken = (): Promise<never> => Promise.reject(new ArtifactError("internal", "EIO"));
const failing = (...names: Removal[]): Store =>
  storeOn({ ...engines, blobs: { ...engines.blobs, ...Object.fromEntries(names.map((name) => [name, broken])) } });

async function uploaded(text: string, options = {}): Promise<string> {
  const { id } = await store.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain", ...options });
  await store.uploads.append(id, 0, bytesOf(text));
  return id;
}

async function expectFreedBySweep(): Promise<void> {
  expect(await store.sweep.run({ graceMs: 0 })).toMatchObject({ failed: 0 });
  expectSound(engines);
  expectNothingLeaked(engines);
  expect([...engines.metadata.rows.keys()].filter((key) => key.startsWith("freed:"))).toEqual([]);
}

describe("what has ended is answered though its bytes cannot be removed, and the sweep removes them", () => {
  const removals: Removal[][] = [["removeBlob"], ["removeUpload"], ["removeBlob", "removeUpload"]];

  it.each(removals)("completing what the newest version is: %s %s", async (...names: Removal[]) => {
    await saveText(store, "b", "k", "same");
    const id = await uploaded("same");
    const done = await failing(...names).uploads.complete(id);
    expect(done).toMatchObject({ status: "complete", artifact: { version: 1 } });
    await expectFreedBySweep();
  });

  it.each(removals)("completing: %s %s", async (...names: Removal[]) => {
    const id = await uploaded("text");
    expect(await failing(...names).uploads.complete(id)).toMatchObject({ status: "complete" });
    await expectFreedBySweep();
    expect(await textOf(store, "b", "k")).toBe("text");
  });

  it.each(removals)("aborting what is open: %s %s", async (...names: Removal[]) => {
    const id = await uploaded("text");
    expect(await failing(...names).uploads.abort(id)).toMatchObject({ status: "aborted" });
    await expectFreedBySweep();
  });

  it.each(removals)("aborting what is held: %s %s", async (...names: Removal[]) => {
    const id = await uploaded("text", { if_version: 7 });
    await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
    expect(await failing(...names).uploads.abort(id)).toMatchObject({ status: "aborted" });
    await expectFreedBySweep();
  });

  it.each(removals)("a save whose guard is lost on the way: %s %s", async (...names: Removal[]) => {
    const blobs = { ...engines.blobs, ...Object.fromEntries(names.map((name) => [name, broken])) };
    let isFirst = true;
    const createSegment: MemoryEngines["blobs"]["createSegment"] = async (...values) => {
      if (isFirst) {
        isFirst = false;
        await saveText(store, "b", "k", "there");
      }
      return engines.blobs.createSegment(...values);
    };
    const late = storeOn({ ...engines, blobs: { ...blobs, createSegment } });
    await expect(saveText(late, "b", "k", "new", 0)).rejects.toMatchObject({
      code: "version_conflict",
      details: { version: 1 },
    });
    await expectFreedBySweep();
  });
});

it("an upload left completing over a version is held where the key has been deleted since", async () => {
  await saveText(store, "b", "k", "before");
  const id = await uploaded("new");
  const install = () => Promise.reject(new Dead("dead before install"));
  await expect(storeOn({ ...engines, blobs: { ...engines.blobs, install } }).uploads.complete(id)).rejects.toThrow(
    Dead,
  );
  await store.artifacts.delete("b", "k");
  expect(await store.sweep.run({ graceMs: 0 })).toMatchObject({ settled: 1, failed: 0 });
  await expect(store.artifacts.get("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
  await expect(store.uploads.append(id, 3, bytesOf("more"))).rejects.toMatchObject({
    code: "session_closed",
    message: expect.stringMatching(/the key changed while .* complete_upload_session to publish it all the same/),
  });
  expect(await store.uploads.complete(id)).toMatchObject({ status: "complete", artifact: { version: 1 } });
});

it("a deletion of all whose change fails while another deletes the newest takes no bytes of the others", async () => {
  for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
  let isFirst = true;
  const replace: typeof engines.metadata.replace = async (...change) => {
    if (!isFirst || change[0] !== "artifact:b:k") return engines.metadata.replace(...change);
    isFirst = false;
    await store.artifacts.delete("b", "k", 2);
    throw new ArtifactError("internal", "SQLITE_BUSY, and not done");
  };
  const other = storeOn({ ...engines, metadata: { ...engines.metadata, replace } });
  await expect(other.artifacts.delete("b", "k")).rejects.toMatchObject({ code: "internal" });
  expectSound(engines);
  expect(await textOf(store, "b", "k", 1)).toBe("one");
});

it("a held upload that was being completed again is published by the sweep over what it was then to come on top of", async () => {
  const id = await uploaded("new", { if_version: 7 });
  await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
  await saveText(store, "b", "k", "since");
  const install = () => Promise.reject(new Dead("dead before install"));
  const dying = storeOn({ ...engines, blobs: { ...engines.blobs, install } });
  await expect(dying.uploads.complete(id, { if_version: 1 })).rejects.toThrow(Dead);
  await store.sweep.run({ graceMs: 0 });
  expect(await store.artifacts.get("b", "k")).toMatchObject({ version: 2 });
});

it("a sweep does not forget a deletion that is announced while it looks at an earlier one that came to nothing", async () => {
  await saveText(store, "b", "k", "text");
  const [blob] = engines.blobs.blobs.keys();
  const freed = (at: number): string => JSON.stringify({ bucket: "b", key: "k", at });
  await engines.metadata.put(`freed:${blob}`, freed(0));
  const get: typeof engines.metadata.get = async (key) => {
    const text = await engines.metadata.get(key);
    if (key === "artifact:b:k") await engines.metadata.put(`freed:${blob}`, freed(1_900_000_000));
    return text;
  };
  await storeOn({ ...engines, metadata: { ...engines.metadata, get } }).sweep.run();
  expect(engines.metadata.rows.get(`freed:${blob}`)).toBe(freed(1_900_000_000));
});

it("a held upload that is being completed again is left alone by the sweep for as long as any other", async () => {
  const then = Date.now();
  const id = await uploaded("new", { if_version: 7 });
  await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
  const hourLater = { now: () => then + 60 * 60 * 1000 };
  const install = () => Promise.reject(new Dead("dead before install"));
  const dying = storeOn({ ...engines, blobs: { ...engines.blobs, install } }, hourLater);
  await expect(dying.uploads.complete(id, { if_version: 0 })).rejects.toThrow(Dead);
  expect(await storeOn(engines, hourLater).sweep.run()).toMatchObject({ settled: 0 });
});

it("a completion that a sweep took for left behind, and held, is published all the same", async () => {
  const id = await uploaded("new");
  let isFirst = true;
  const install: MemoryEngines["blobs"]["install"] = async (...values) => {
    if (isFirst) {
      isFirst = false;
      await saveText(store, "b", "k", "since");
      await store.sweep.run({ graceMs: 0 });
      expect(await store.uploads.get(id)).toMatchObject({ status: "held" });
    }
    return engines.blobs.install(...values);
  };
  const slow = storeOn({ ...engines, blobs: { ...engines.blobs, install } });
  expect(await slow.uploads.complete(id)).toMatchObject({ status: "complete", artifact: { version: 2 } });
});
