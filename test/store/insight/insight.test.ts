import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { Insight } from "../../../src/store/insight/insight.js";
import { type Analyses, AnalysisStopped } from "../../../src/store/ports/analyses.js";
import type { Store } from "../../../src/store/store.js";
import { createFakeAnalyses, untilAborted } from "../../support/fake-analyses.js";
import { createMemoryDerivedStore, type MemoryDerivedStore } from "../../support/memory-derived-store.js";
import { createPlainAnalyses } from "../../support/plain-analyses.js";
import { silentLog } from "../../support/silent-log.js";
import { createMemoryEngines, noRowPieces, saveText, storeOn } from "../../support/stores.js";

let store: Store;
let derived: MemoryDerivedStore;
/** Contents that were opened and not closed. */
let open: number;

beforeEach(() => {
  derived = createMemoryDerivedStore();
  store = storeOn(createMemoryEngines(), { derived, pieceLimits: noRowPieces });
  open = 0;
});

function insightWith(analyses: Analyses = createPlainAnalyses()): Insight {
  const { artifacts } = store;
  return new Insight({
    artifacts: {
      get: (bucket, key, version) => artifacts.get(bucket, key, version),
      open: async (bucket, key, version) => {
        const opened = await artifacts.open(bucket, key, version);
        open++;
        const close = async () => {
          open--;
          await opened.close();
        };
        return { ...opened, close };
      },
    },
    analyses,
    derived,
    log: silentLog,
    readOnly: false,
    maxRowPieceBytes: 0,
  });
}

const stopping = (reason: "time" | "memory", known?: unknown) =>
  createFakeAnalyses(() => {
    throw new AnalysisStopped(reason, known);
  });

const at = { bucket: "b", key: "k.csv" };
const save = (text: string) => saveText(store, at.bucket, at.key, text);
const all = { chars: 8000 };
const find = { find: "a", regex: false, context: 0, chars: 8000 };

describe("Insight.lines()", () => {
  it("reads lines, also through gzip", async () => {
    const text = "one\ntwo\nthree\n";
    for (const bytes of [Buffer.from(text), gzipSync(text)]) {
      await store.artifacts.save({ ...at, bytes, defaultMimeType: "text/plain" });
      const page = await insightWith().lines(at, { lines: -2, chars: 100 });
      expect(page).toMatchObject({
        text: "two\nthree",
        first: 2,
        last: 3,
        total: 3,
        artifact: { bytes: bytes.length },
      });
    }
    expect(open).toBe(0);
  });
});

describe("Insight.describe()", () => {
  it("describes the newest version, or the one that is named, and keeps it", async () => {
    await save("id,v\na,1\n");
    await save("id,v\na,1\nb,2\n");
    const insight = insightWith();
    expect(await insight.describe(at)).toMatchObject({
      artifact: { version: 2 },
      description: { format: "csv", table: { rows: 2, columns: 2 } },
    });
    const first = await insight.describe({ ...at, version: 1 });
    expect(first).toMatchObject({ artifact: { version: 1 }, description: { table: { rows: 1 } } });
    const other = insightWith(stopping("time"));
    expect(await other.describe({ ...at, version: 1 })).toEqual(first);
    expect(await other.known(first.artifact)).toEqual(first.description);
    expect(open).toBe(0);
  });

  it("answers what was reported before a limit stopped it, and keeps that in memory only", async () => {
    const artifact = await save("id,v\n");
    const insight = insightWith(stopping("memory", { format: "csv" }));
    const description = {
      format: "csv",
      partial: { reason: "memory", message: "The memory limit stopped the description." },
    };
    expect(await insight.describe(at)).toMatchObject({ description });
    expect(await insight.known(artifact)).toEqual(description);
    expect(derived.entries.size).toBe(0);
    expect((await insightWith().describe(at)).description).not.toHaveProperty("partial");
    expect(open).toBe(0);
  });

  it("makes a description that a limit has cut again", async () => {
    await save("id,v\na,1\n");
    let tries = 0;
    const partial = { reason: "time", message: "The time limit was reached." } as const;
    const insight = insightWith(
      createFakeAnalyses(() => {
        tries += 1;
        return tries === 1 ? { format: "csv", partial } : { format: "csv" };
      }),
    );
    expect((await insight.describe(at)).description).toEqual({ format: "csv", partial });
    expect(await insight.known(await store.artifacts.get(at.bucket, at.key))).toEqual({ format: "csv", partial });
    expect((await insight.describe(at)).description).toEqual({ format: "csv" });
    await insight.describe(at);
    expect(tries).toBe(2);
  });

  it("shares its work among calls at the same time, until the last of them gives up", async () => {
    await save("id,v\na,1\n");
    const signals: (AbortSignal | undefined)[] = [];
    const insight = insightWith(
      createFakeAnalyses((call) => {
        signals.push(call.signal);
        return untilAborted(call);
      }),
    );
    const [one, other] = [new AbortController(), new AbortController()];
    const calls = [insight.describe(at, one.signal), insight.describe(at, other.signal)];
    await expect.poll(() => signals.length).toBe(1);
    one.abort(new Error("one"));
    await expect(calls[0]).rejects.toThrow("one");
    expect(signals[0]?.aborted).toBe(false);
    other.abort(new Error("other"));
    await expect(calls[1]).rejects.toThrow("other");
    expect(signals[0]?.aborted).toBe(true);
    await expect.poll(() => open).toBe(0);

    const third = new AbortController();
    const again = insight.describe(at, third.signal);
    await expect.poll(() => signals.length).toBe(2);
    third.abort(new Error("third"));
    await expect(again).rejects.toThrow("third");
  });

  it("is brief for what is large and not described yet, and keeps nothing of that", async () => {
    const small = await save("id,v\na,1\n");
    const wanted: unknown[] = [];
    const insight = insightWith(
      createFakeAnalyses((call) => {
        wanted.push(call.wanted);
        return { format: "csv" };
      }),
    );
    expect(await insight.brief(at)).toMatchObject({ artifact: { version: 1 }, description: { format: "csv" } });
    expect(await insight.known(small)).toEqual({ format: "csv" });
    const large = await save("x".repeat(1024 * 1024 + 1));
    await insight.brief(at);
    expect(await insight.known(large)).toBeUndefined();
    await insight.describe(at);
    await insight.brief(at);
    expect(wanted).toEqual([{ kind: "describe" }, { kind: "describe", brief: true }, { kind: "describe" }]);
    expect(open).toBe(0);
  });

  it("knows nothing of a version that nobody has described", async () => {
    expect(await insightWith().known(await save("x"))).toBeUndefined();
  });

  it("describes a version that is deleted meanwhile, and leaves nothing of it", async () => {
    await save("id,v\na,1\n");
    const plain = createPlainAnalyses();
    const insight = insightWith({
      ...plain,
      async run(wanted, contents) {
        await store.artifacts.delete(at.bucket, at.key);
        return plain.run(wanted, contents);
      },
    });
    expect(await insight.describe(at)).toMatchObject({ description: { table: { rows: 1 } } });
    expect(derived.entries.size).toBe(0);
    expect(open).toBe(0);
  });
});

describe("Insight.rows() and find()", () => {
  it("answer with the version that was read", async () => {
    await save("id,v\na,1\n");
    await save("id,v\nb,2\n");
    const insight = insightWith();
    expect(await insight.rows(at, all)).toMatchObject({ artifact: { version: 2 }, csv: "id,v\nb,2\n" });
    expect(await insight.find({ ...at, version: 1 }, find)).toMatchObject({ artifact: { version: 1 }, total: 1 });
    expect(open).toBe(0);
  });

  it("tell how many rows there are if a description has counted them", async () => {
    const firstRow = { ...all, rows: 1 };
    const insight = insightWith();
    await save("id,v\na,1\nb,2\nc,3\n");
    expect(await insight.rows(at, firstRow)).toMatchObject({ last: 1, more: true });
    expect((await insight.rows(at, firstRow)).total).toBeUndefined();
    await insight.describe(at);
    expect(await insight.rows(at, firstRow)).toMatchObject({ last: 1, more: true, total: 3 });
    await save('id,v\na,1\nb,2\nc,"3\n'); // it breaks off
    await insight.describe(at);
    expect((await insight.rows(at, firstRow)).total).toBeUndefined();
  });

  it("say which limit stopped them, and what to do", async () => {
    await save("id,v\n");
    const tooLarge = (limit: string) => ({ code: "too_large", next: "look_at_less", details: { limit } });
    await expect(insightWith(stopping("time")).rows(at, all)).rejects.toMatchObject(tooLarge("time"));
    await expect(insightWith(stopping("memory")).find(at, find)).rejects.toMatchObject(tooLarge("memory"));
    await expect(insightWith(stopping("time")).find(at, { ...find, regex: true })).rejects.toMatchObject({
      code: "invalid_argument",
      next: "simplify_expression",
      details: { argument: "find" },
    });
    expect(open).toBe(0);
  });

  it("close the content after any other failure, which passes", async () => {
    await save("id,v\n");
    const failure = new Error("the disk is gone");
    const failing = insightWith(createFakeAnalyses(() => Promise.reject(failure)));
    await expect(failing.rows(at, all)).rejects.toBe(failure);
    await expect(failing.find(at, find)).rejects.toBe(failure);
    await expect(failing.describe(at)).rejects.toBe(failure);
    await expect(failing.rows({ ...at, key: "none" }, all)).rejects.toMatchObject({ code: "artifact_not_found" });
    expect(open).toBe(0);
  });

  it("close the content when the caller aborts", async () => {
    await save("id,v\n");
    const caller = new AbortController();
    const analyses = createFakeAnalyses(untilAborted);
    const reading = insightWith(analyses).rows(at, all, caller.signal);
    await expect.poll(() => analyses.calls.length).toBe(1);
    expect(open).toBe(1);
    caller.abort(new Error("the client has left"));
    await expect(reading).rejects.toThrow("the client has left");
    expect(open).toBe(0);
  });
});

describe("Insight.compare()", () => {
  it("compares two versions, and names them", async () => {
    await save("id,v\na,1\n");
    await save("id,v\na,2\n");
    const found = await insightWith().compare({ ...at, version: 1 }, at, { by: "id", chars: 8000 });
    expect(found).toMatchObject({
      before: { version: 1 },
      after: { version: 2 },
      comparison: { kind: "table", table: { by: { changes: "~ id=a: v 1 -> 2\n" } } },
    });
    const { comparison } = await insightWith().compare({ ...at, version: 1 }, at, all);
    expect(comparison.text?.diff.split("\n").slice(0, 2)).toEqual(["--- b/k.csv version 1", "+++ b/k.csv version 2"]);
    expect(open).toBe(0);
  });

  it("reads nothing of contents that have one digest", async () => {
    await save("same\n");
    await saveText(store, "b", "other.txt", "same\n");
    const analyses = stopping("time");
    const found = await insightWith(analyses).compare(at, { bucket: "b", key: "other.txt" }, all);
    expect(found).toMatchObject({ after: { key: "other.txt" }, comparison: { kind: "identical" } });
    expect(analyses.calls).toEqual([]);
    expect(open).toBe(0);
  });

  it("closes the first content if there is no second one", async () => {
    await save("a\n");
    await expect(insightWith().compare(at, { ...at, version: 7 }, all)).rejects.toMatchObject({
      code: "artifact_not_found",
    });
    expect(open).toBe(0);
  });

  it("compares a version that is deleted meanwhile", async () => {
    await save("a\n");
    await save("b\n");
    const plain = createPlainAnalyses();
    const insight = insightWith({
      ...plain,
      async run(wanted, contents) {
        await store.artifacts.delete(at.bucket, at.key);
        return plain.run(wanted, contents);
      },
    });
    const { comparison } = await insight.compare({ ...at, version: 1 }, { ...at, version: 2 }, all);
    expect(comparison).toMatchObject({ text: { lines_added: 1, lines_removed: 1 } });
    expect(open).toBe(0);
  });

  it("says which limit stopped it", async () => {
    await save("a\n");
    await save("b\n");
    const comparing = insightWith(stopping("time")).compare({ ...at, version: 1 }, at, all);
    await expect(comparing).rejects.toMatchObject({ code: "too_large", details: { limit: "time" } });
    expect(open).toBe(0);
  });
});
