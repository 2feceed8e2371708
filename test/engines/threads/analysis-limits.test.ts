import { describe, expect, it } from "vitest";
import { contentOf, MiB, openThreads, productProgram, stopped, testProgram, textOf } from "./test-analyses.js";

describe("the limits of analyses in threads", () => {
  const program = testProgram();
  /** Enough to start a thread on a slow machine. Analyses that are stopped take as long. */
  const timeMs = 3_000;

  it("stops an expression that backtracks without end, and runs the next one", async () => {
    const { threads } = openThreads(productProgram, { timeMs });
    const wanted = { kind: "find", find: "^(a+)+$", regex: true, context: 0, chars: 100 } as const;
    await expect(threads.run(wanted, [contentOf(`${"a".repeat(50)}b\n`)])).rejects.toEqual(stopped("time"));
    expect(await threads.run(wanted, [contentOf("aaa\n")])).toMatchObject({ total: 1 });
  });

  it("tells an analysis when most of its time is over", async () => {
    const { run } = openThreads(program(), { timeMs: 200, graceMs: 3_600_000 });
    const took = (await run("untilOver")) as number;
    expect(took).toBeGreaterThan(170); // 90 %, less what passes before the analysis looks at the clock
  });

  it("stops an analysis that does not end, and says what it had reported last", async () => {
    const { run, events } = openThreads(program(), { timeMs });
    const outcomes = await Promise.allSettled([run("forEver"), run("wait")]);
    expect(outcomes).toEqual([
      { status: "rejected", reason: stopped("time", { number: 3 }) },
      { status: "rejected", reason: stopped("time") },
    ]);
    expect(textOf(await run("bytes"))).toBe("content");
    expect(events).toEqual([]);
  });

  it.each(["heap", "heapWithLooks"])("stops an analysis that fills the heap: %s", async (name) => {
    const { run } = openThreads(program(), { memoryBytes: 16 * MiB });
    await expect(run(name)).rejects.toEqual(stopped("memory", { format: "greedy" }));
    expect(textOf(await run("bytes"))).toBe("content");
  });

  it("stops an analysis whose buffers are too large, and none that makes garbage", async () => {
    const { run, events } = openThreads(program(), { memoryBytes: 32 * MiB });
    await expect(run("buffers")).rejects.toEqual(stopped("memory", { format: "buffers" }));
    await expect(run("hugeRead", [contentOf(new Uint8Array(17 * MiB))])).rejects.toEqual(stopped("memory"));
    expect(await run("garbage")).toBe("done");
    expect(events).toEqual([]);
  });

  it("stops an analysis that takes the error of this limit for one of the content", async () => {
    const { run } = openThreads(program(), { memoryBytes: 32 * MiB });
    await expect(run("swallow", [contentOf(new Uint8Array(17 * MiB))])).rejects.toEqual(stopped("memory"));
  });
});
