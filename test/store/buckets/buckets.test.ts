import { beforeEach, describe, expect, it } from "vitest";
import { createMemoryEngines, type MemoryEngines, saveText, storeOn } from "../../support/stores.js";

let engines: MemoryEngines;
beforeEach(() => {
  engines = createMemoryEngines();
});
const rowOf = (bucket: string): unknown => {
  const { revision: _, ...rest } = JSON.parse(engines.metadata.rows.get(`bucket\t${bucket}`) ?? '{"revision":""}');
  return rest;
};

describe("Buckets", () => {
  it("set() keeps the limits that are not given, and a bucket may have limits before it holds anything", async () => {
    const { buckets } = storeOn(engines);
    const empty = { name: "b", artifacts: 0, bytes: 0, unfinished_bytes: 0, too_old: 0 };
    expect(await buckets.get("b")).toEqual({ ...empty, max_age: null, max_bytes: null });
    expect(await buckets.set("b", { max_bytes: 10 })).toEqual({ ...empty, max_age: null, max_bytes: 10 });
    expect(await buckets.set("b", { max_age: 60 })).toEqual({ ...empty, max_age: 60, max_bytes: 10 });
    expect(rowOf("b")).toEqual({ max_age: 60, max_bytes: 10 });
    expect(await buckets.set("b", { max_bytes: null })).toMatchObject({ max_age: 60, max_bytes: null });
    expect(rowOf("b")).toEqual({ max_age: 60 });
    expect(await buckets.limited()).toEqual(["b"]);
  });

  it("set() deletes the row of a bucket that has no limit left, and writes none where there was none", async () => {
    const { buckets } = storeOn(engines);
    await buckets.set("b", { max_age: null });
    expect(engines.metadata.rows.has("bucket\tb")).toBe(false);
    await buckets.set("b", { max_age: 60 });
    await buckets.set("b", { max_age: null });
    expect(engines.metadata.rows.has("bucket\tb")).toBe(false);
    expect(await buckets.limited()).toEqual([]);
  });

  it("set() of two processes at once keeps both limits", async () => {
    const change: typeof engines.metadata.change = async (...values) => {
      await other.buckets.set("b", { max_age: 60 });
      metadata.change = engines.metadata.change;
      return engines.metadata.change(...values);
    };
    const metadata = { ...engines.metadata, change };
    const other = storeOn(engines);
    const answer = await storeOn({ ...engines, metadata }).buckets.set("b", { max_bytes: 10 });
    expect(answer).toMatchObject({ max_age: 60, max_bytes: 10 });
  });

  it.each([
    { max_age: 0 },
    { max_age: 1.5 },
    { max_age: 3_651 * 86_400 },
    { max_bytes: 0 },
    { max_bytes: -1 },
    { max_bytes: 2 ** 53 },
  ])("set() refuses %j and changes nothing", async (wanted) => {
    const { buckets } = storeOn(engines);
    await buckets.set("b", { max_age: 5, max_bytes: 5 });
    await expect(buckets.set("b", wanted)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(rowOf("b")).toEqual({ max_age: 5, max_bytes: 5 });
  });

  it("get() says what the bucket holds, and how much of it is too old", async () => {
    let time = 1_800_000_000;
    const store = storeOn(engines, { now: () => time * 1000 });
    await saveText(store, "b", "old", "one");
    await saveText(store, "b", "old", "three");
    await saveText(store, "b", "new", "x");
    const { id } = await store.uploads.create({ bucket: "b", key: "upload" });
    await store.uploads.append(id, 0, Buffer.from("1234"));
    time += 60;
    await saveText(store, "b", "new", "xy");
    await store.buckets.set("b", { max_age: 60 });
    expect(await store.buckets.get("b")).toMatchObject({ artifacts: 2, bytes: 11, unfinished_bytes: 4, too_old: 1 });
  });

  it("verify() knows the rows, and names one that cannot be read; until it is repaired, the bucket has no limits", async () => {
    const store = storeOn(engines);
    await store.buckets.set("b", { max_bytes: 1 });
    expect((await store.verify()).faults).toEqual([]);
    for (const text of ['{"revision":"r"}', '{"revision":"r","max_bytes":1,"other":1}', '{"max_bytes":1}', "{"]) {
      engines.metadata.rows.set("bucket\tb", text);
      expect((await store.verify()).faults).toMatchObject([{ kind: "corrupt", row: "bucket\tb" }]);
      const lines: string[] = [];
      const reader = storeOn(engines, { log: (_level, event) => void lines.push(event) });
      await saveText(reader, "b", `k${text.length}`, "some text");
      expect(await reader.ageLimits.run({ trustsClock: true })).toEqual({ artifacts: 0, failed: 0 });
      expect(lines).toContain("bucket_limits_not_read");
    }
    engines.metadata.rows.delete("bucket\tb");
    engines.metadata.rows.set("bucket\tno bucket", '{"revision":"r","max_bytes":1}');
    expect((await store.verify({ repair: true })).faults).toMatchObject([{ row: "bucket\tno bucket", repaired: true }]);
    expect((await store.verify()).faults).toEqual([]);
  });
});
