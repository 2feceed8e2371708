import { beforeEach, describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { Store } from "../../../src/store/store.js";
import { Dead } from "../../support/faults.js";
import { expectNothingLeaked, expectNothingLeft, expectSound } from "../../support/invariants.js";
import {
  bytesOf,
  createMemoryEngines,
  type MemoryEngines,
  noRowPieces,
  saveText,
  storeOn,
  textOf,
} from "../../support/stores.js";

const pieceLimits = noRowPieces;
let engines: MemoryEngines;
let store: Store;

beforeEach(() => {
  engines = createMemoryEngines();
  store = storeOn(engines, { pieceLimits });
});

async function uploaded(text: string, options = {}): Promise<string> {
  const { id } = await store.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain", ...options });
  await store.uploads.append(id, 0, bytesOf(text));
  return id;
}

type Change = MemoryEngines["metadata"]["change"];
/** A store for which `how` makes the changes of the key's row. */
function publishing(how: (go: () => ReturnType<Change>) => ReturnType<Change>): Store {
  const change: Change = (rows, pieces) => {
    const go = () => engines.metadata.change(rows, pieces);
    return rows.some(({ key }) => key.startsWith("artifact\t")) ? how(go) : go();
  };
  return storeOn({ ...engines, metadata: { ...engines.metadata, change } }, { pieceLimits });
}
const dying = (): Store => publishing(() => Promise.reject(new Dead("dead before the change")));

describe("a call succeeds although pieces cannot be removed, and the sweep removes them later:", () => {
  let failing: Store;
  beforeEach(() => {
    const remove = (): Promise<never> => Promise.reject(new ArtifactError("internal", "EIO"));
    failing = storeOn({ ...engines, content: { ...engines.content, remove } }, { pieceLimits });
  });

  async function expectFreedBySweep(): Promise<void> {
    expectSound(engines);
    expectNothingLeaked(engines);
    expect(await store.sweep.run({ graceMs: 0 })).toMatchObject({ failed: 0 });
    expectSound(engines);
    expectNothingLeft(engines);
    expect([...engines.metadata.rows.keys()].filter((key) => key.startsWith("freed\t"))).toEqual([]);
  }

  it("completing the same content as the newest version", async () => {
    await saveText(store, "b", "k", "same");
    const id = await uploaded("same");
    const done = await failing.uploads.complete(id);
    expect(done).toMatchObject({ status: "complete", artifact: { version: 1, already_saved: true } });
    await expectFreedBySweep();
  });

  it("completing, which removes a version past the limit", async () => {
    await saveText(store, "b", "k", "before");
    const id = await uploaded("text");
    const remove = (): Promise<never> => Promise.reject(new ArtifactError("internal", "EIO"));
    const limited = { ...engines, content: { ...engines.content, remove } };
    const done = await storeOn(limited, { pieceLimits, keepVersions: 1 }).uploads.complete(id);
    expect(done).toMatchObject({ status: "complete", artifact: { version: 2 } });
    await expectFreedBySweep();
    expect(await textOf(store, "b", "k")).toBe("text");
  });

  it("aborting an open upload", async () => {
    const id = await uploaded("text");
    expect(await failing.uploads.abort(id)).toMatchObject({ status: "aborted" });
    await expectFreedBySweep();
  });

  it("aborting a conflict", async () => {
    const id = await uploaded("text", { if_version: 7, checksGuardAtEnd: true });
    await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
    expect(await failing.uploads.abort(id)).toMatchObject({ status: "aborted" });
    await expectFreedBySweep();
  });

  it("a save whose guard another process breaks meanwhile", async () => {
    const remove = (): Promise<never> => Promise.reject(new ArtifactError("internal", "EIO"));
    let isFirst = true;
    const createPiece: MemoryEngines["content"]["createPiece"] = async (...values) => {
      if (isFirst) {
        isFirst = false;
        await saveText(store, "b", "k", "there");
      }
      return engines.content.createPiece(...values);
    };
    const late = storeOn({ ...engines, content: { ...engines.content, remove, createPiece } }, { pieceLimits });
    await expect(saveText(late, "b", "k", "new", 0)).rejects.toMatchObject({
      code: "version_conflict",
      next: "save_on_newest",
      details: { version: 1 },
    });
    await expectFreedBySweep();
  });
});

it("a full upload that was left behind is published with the next number, if the key was deleted since", async () => {
  await saveText(store, "b", "k", "before");
  const { id } = await store.uploads.create({ bucket: "b", key: "k", size: 3 });
  await expect(dying().uploads.append(id, 0, bytesOf("new"))).rejects.toThrow(Dead);
  await store.artifacts.delete("b", "k");
  expect(await store.sweep.run({ graceMs: 0 })).toMatchObject({ settled: 1, failed: 0 });
  expect(await store.artifacts.get("b", "k")).toMatchObject({ version: 2 });
  expect(await textOf(store, "b", "k")).toBe("new");
});

it("a conflict says why it was not published, and is published by a completion with the right guard", async () => {
  await saveText(store, "b", "k", "there");
  const other = await uploaded("other", { if_version: 7, checksGuardAtEnd: true });
  await expect(store.uploads.complete(other)).rejects.toMatchObject({ code: "version_conflict" });
  await expect(store.uploads.append(other, 5, bytesOf("more"))).rejects.toMatchObject({
    code: "session_closed",
    next: "resolve_conflict",
    message: expect.stringContaining("its if_version, 7, was not met"),
  });
  expect(await store.uploads.complete(other, { if_version: 1 })).toMatchObject({ artifact: { version: 2 } });
});

it("a deletion of all versions that fails, while another process deletes the newest, removes no bytes of the others", async () => {
  for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
  let isFirst = true;
  const other = publishing(async (go) => {
    if (!isFirst) return go();
    isFirst = false;
    await store.artifacts.delete("b", "k", { version: 2 });
    throw new ArtifactError("internal", "SQLITE_BUSY, and not done");
  });
  await expect(other.artifacts.delete("b", "k")).rejects.toMatchObject({ code: "internal" });
  expectSound(engines);
  expect(await textOf(store, "b", "k", 1)).toBe("one");
});

it("a conflict stays a conflict in a sweep if its completion with another guard was interrupted", async () => {
  const id = await uploaded("new", { if_version: 7, checksGuardAtEnd: true });
  await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
  await saveText(store, "b", "k", "since");
  await expect(dying().uploads.complete(id, { if_version: 1 })).rejects.toThrow(Dead);
  expect(await store.sweep.run({ graceMs: 0 })).toMatchObject({ settled: 0, failed: 0 });
  expect(await textOf(store, "b", "k")).toBe("since");
  expect(await store.uploads.get(id)).toMatchObject({ status: "conflict", if_version: "7" });
  expect(await store.uploads.complete(id, { if_version: 1 })).toMatchObject({ artifact: { version: 2 } });
});

it("a slow completion is published although a sweep has made a conflict of the upload", async () => {
  const { id } = await store.uploads.create({ bucket: "b", key: "k", size: 3 });
  let isFirst = true;
  const slow = publishing(async (go) => {
    if (!isFirst) return go();
    isFirst = false;
    await saveText(store, "b", "k", "since");
    await store.sweep.run({ graceMs: 0 });
    expect(await store.uploads.get(id)).toMatchObject({ status: "conflict" });
    return go();
  });
  expect(await slow.uploads.append(id, 0, bytesOf("new"))).toMatchObject({
    status: "complete",
    artifact: { version: 2 },
  });
  expectSound(engines);
});

describe("a publication whose change has failed", () => {
  it("but was made is reported as published", async () => {
    const lost = publishing(async (go) => {
      await go();
      throw new ArtifactError("internal", "no answer");
    });
    const id = await uploaded("text");
    expect(await lost.uploads.complete(id)).toMatchObject({ status: "complete", artifact: { version: 1 } });
    expect(await saveText(lost, "b", "other", "text")).toMatchObject({ version: 1 });
    expectSound(engines);
    expectNothingLeft(engines);
  });

  it("and was not made is reported as an error, and can be repeated", async () => {
    let fails = 1;
    const lost = publishing((go) => (fails-- > 0 ? Promise.reject(new ArtifactError("internal", "no answer")) : go()));
    const id = await uploaded("text");
    await expect(lost.uploads.complete(id)).rejects.toMatchObject({ code: "internal" });
    expect(await lost.uploads.complete(id)).toMatchObject({ status: "complete", artifact: { version: 1 } });
    expectSound(engines);
    expectNothingLeft(engines);
  });

  it("and is made later does no harm, even if the upload has changed meanwhile", async () => {
    let late: (() => ReturnType<Change>) | undefined;
    const lost = publishing((go) => {
      late ??= go;
      return late === go ? Promise.reject(new ArtifactError("internal", "no answer")) : go();
    });
    const id = await uploaded("text");
    await expect(lost.uploads.complete(id)).rejects.toMatchObject({ code: "internal" });
    await store.uploads.append(id, 4, bytesOf(" and more"));
    expect(await late?.()).toBe(false);
    expect(await store.uploads.complete(id)).toMatchObject({ artifact: { bytes: 13 } });
    expect(await late?.()).toBe(false);
    expectSound(engines);
  });
});
