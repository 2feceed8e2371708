import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { Dead } from "../../support/faults.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, noRowPieces, storeOn } from "../../support/stores.js";

const hour = 60 * 60;
/** The right time, in unix seconds. */
let time: number;
let engines: MemoryEngines;
let store: Store;
/** The lines of level `info` of all processes. */
let lines: { readonly event: string; readonly facts: unknown }[];
/** Everything that was logged, as text. */
let text: string;

beforeEach(() => {
  time = 1_800_000_000;
  engines = createMemoryEngines({ now: () => time * 1000 });
  lines = [];
  text = "";
  store = startProcess();
});

function startProcess(options: Partial<StoreOptions> = {}): Store {
  return storeOn(engines, {
    now: () => time * 1000,
    monotonicMs: () => time * 1000,
    log(level, event, facts) {
      text += `${level} ${event} ${JSON.stringify(facts)}\n`;
      if (level === "info") lines.push({ event, facts: JSON.parse(JSON.stringify(facts)) });
    },
    ...options,
  });
}

const k = { bucket: "b", key: "k" };
const save = (content: string, options: object = {}) =>
  store.artifacts.save({ ...k, bytes: bytesOf(content), defaultMimeType: "text/plain", saved_by: "ann 1", ...options });

/** Uploads content. A `size` of null leaves the upload open. */
async function upload(content: string, size: number | null = content.length): Promise<string> {
  const { id } = await store.uploads.create({
    ...k,
    mime_type: "text/plain",
    size: size ?? undefined,
    saved_by: "ann 1",
  });
  await store.uploads.append(id, 0, bytesOf(content));
  return id;
}

describe.each([
  ["rows", {}],
  ["the content store", { pieceLimits: noRowPieces }],
])("one line of a save to %s", (_, options) => {
  beforeEach(() => {
    store = startProcess(options);
  });

  it("has the place, the version, the bytes and who saved it", async () => {
    await save("one");
    await save("two two");
    expect(lines).toEqual([
      { event: "saved", facts: { ...k, version: 1, bytes: 3, by: "ann 1" } },
      { event: "saved", facts: { ...k, version: 2, bytes: 7, by: "ann 1" } },
    ]);
  });

  it("is not written for content that is there already", async () => {
    await save("one");
    lines = [];
    await save("one");
    await save("one", { idempotency_key: "a" });
    expect(lines).toEqual([]);
    expect(text).toContain('debug already_saved {"bucket":"b","key":"k","version":1,"bytes":3}');
  });

  it("counts the old versions that it removes", async () => {
    store = startProcess({ ...options, keepVersions: 1 });
    await save("one");
    await save("two");
    expect(lines.at(-1)?.facts).toEqual({ ...k, version: 2, bytes: 3, by: "ann 1", removed_versions: 1 });
  });

  it("has no content, no metadata and no digest", async () => {
    await save("content that is secret", { metadata: { note: "metadata that are secret" } });
    expect(text).not.toMatch(/secret|[0-9a-f]{64}/);
  });

  it("is not written if the change is not made", async () => {
    await expect(save("one", { if_version: 7 })).rejects.toMatchObject({ code: "version_conflict" });
    expect(lines).toEqual([]);
  });
});

describe("one line of an upload", () => {
  it("is written at its completion, and not for a repeated one", async () => {
    const id = await upload("chunk", null);
    expect(lines).toEqual([]);
    await store.uploads.complete(id);
    await store.uploads.complete(id);
    await store.uploads.get(id);
    expect(lines).toEqual([{ event: "completed", facts: { ...k, version: 1, bytes: 5, by: "ann 1" } }]);
  });

  it("is written once, by the process that publishes, if two complete it at once", async () => {
    const id = await upload("chunk", null);
    const other = startProcess();
    await Promise.all([store.uploads.complete(id), other.uploads.complete(id)]);
    expect(lines.map(({ event }) => event)).toEqual(["completed"]);
  });

  it("is written by the sweep that publishes what a dead process has left", async () => {
    const dying = storeOn({ ...engines, metadata: { ...engines.metadata, change: failingForArtifacts } });
    store = dying;
    await expect(upload("whole")).rejects.toThrow();
    store = startProcess();
    time += hour;
    await store.sweep.run({ trustsClock: true });
    await store.sweep.run({ trustsClock: true });
    expect(lines).toEqual([{ event: "completed", facts: { ...k, version: 1, bytes: 5, by: "ann 1" } }]);
  });

  it("is written if the answer of the change was lost, and the rows show that it was made", async () => {
    const id = await upload("chunk", null);
    let isLost = false;
    const change: MemoryEngines["metadata"]["change"] = async (rows, pieces) => {
      const isMade = await engines.metadata.change(rows, pieces);
      if (isLost || !rows.some(({ key }) => key.startsWith("artifact\t"))) return isMade;
      isLost = true;
      throw new Dead("the answer is lost");
    };
    store = startProcess({ metadata: { ...engines.metadata, change } });
    await store.uploads.complete(id);
    expect(lines).toEqual([{ event: "completed", facts: { ...k, version: 1, bytes: 5, by: "ann 1" } }]);
  });

  it("is not written if it makes no version", async () => {
    await save("chunk");
    lines = [];
    await store.uploads.complete(await upload("chunk", null));
    expect(lines).toEqual([]);
  });

  const failingForArtifacts: MemoryEngines["metadata"]["change"] = async (rows, pieces) => {
    if (rows.some(({ key }) => key.startsWith("artifact\t"))) throw new Dead("before the change");
    return engines.metadata.change(rows, pieces);
  };
});

describe("one line", () => {
  beforeEach(async () => {
    await save("one");
    await save("three");
    lines = [];
  });

  it("of a copy says where it comes from, and who copied", async () => {
    const wanted = { ...k, version: 1, to_key: "to", saved_by: "bob" };
    await store.artifacts.copy(wanted);
    await store.artifacts.copy(wanted);
    const from = { from_bucket: "b", from_key: "k", from_version: 1 };
    expect(lines).toEqual([
      { event: "copied", facts: { bucket: "b", key: "to", version: 1, bytes: 3, by: "bob", ...from } },
    ]);
  });

  it("of a move counts the versions, and sums their bytes", async () => {
    await store.artifacts.copy({ ...k, to_bucket: "c", move: true, saved_by: "bob" });
    const from = { from_bucket: "b", from_key: "k", from_version: 2 };
    expect(lines).toEqual([
      { event: "moved", facts: { bucket: "c", key: "k", version: 2, bytes: 8, by: "bob", versions: 2, ...from } },
    ]);
  });

  it("of a move without the older versions says that these are gone", async () => {
    await store.artifacts.copy({ ...k, to_bucket: "c", move: true, all_versions: false });
    expect(lines[0]?.facts).toMatchObject({ version: 1, bytes: 5, removed_versions: 1 });
  });

  it("of an update has the version that it changes, and who changed it", async () => {
    const wanted = { ...k, metadata: { a: "secret" }, by: "bob" };
    await store.artifacts.update(wanted);
    await store.artifacts.update(wanted);
    expect(lines).toEqual([{ event: "updated", facts: { ...k, version: 2, bytes: 5, by: "bob" } }]);
    expect(text).not.toContain("secret");
  });

  it("of a deletion has all bytes that it frees, and who deleted", async () => {
    await store.artifacts.delete("b", "k", { by: "bob" });
    await store.artifacts.delete("b", "k", { by: "bob" });
    expect(lines).toEqual([{ event: "deleted", facts: { ...k, version: 2, bytes: 8, by: "bob", versions: 2 } }]);
  });

  it("of the deletion of one version names that version", async () => {
    await store.artifacts.delete("b", "k", { version: 1 });
    expect(lines).toEqual([{ event: "deleted", facts: { ...k, version: 1, bytes: 3 } }]);
  });

  it("of the deletion of a prefix stands for one key", async () => {
    await save("other", { key: "k2" });
    lines = [];
    const match = await store.artifacts.deleteUnder({ bucket: "b", prefix: "k" });
    expect(lines).toEqual([]);
    const confirm = "confirm" in match ? match.confirm : undefined;
    await store.artifacts.deleteUnder({ bucket: "b", prefix: "k", confirm }, { by: "bob" });
    lines.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
    expect(lines).toEqual([
      { event: "deleted", facts: { ...k, version: 2, bytes: 8, by: "bob", versions: 2 } },
      { event: "deleted", facts: { bucket: "b", key: "k2", version: 1, bytes: 5, by: "bob" } },
    ]);
  });

  it("of an expired key is written by the one sweep that frees it", async () => {
    await save("short", { key: "e", expires_in: hour });
    lines = [];
    const others = [startProcess(), startProcess()];
    time += hour;
    await store.sweep.run({ trustsClock: true });
    time += hour;
    await Promise.all(others.map(({ sweep }) => sweep.run({ trustsClock: true })));
    expect(lines).toEqual([{ event: "expired", facts: { bucket: "b", key: "e", version: 1, bytes: 5 } }]);
  });
});
