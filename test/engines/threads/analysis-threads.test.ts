import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { bundleProgram } from "../../../scripts/build.mjs";
import { temporaryDirectory } from "../../support/directories.js";
import { gate } from "../../support/gate.js";
import { contentOf, MiB, openThreads, productProgram, testProgram, textOf } from "./test-analyses.js";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

describe("AnalysisThreads", () => {
  const program = testProgram();
  const open = () => openThreads(program());

  it("runs the analyses of the product", async () => {
    const { threads } = openThreads(productProgram);
    const wanted = { kind: "find", find: "b+", regex: true, context: 0, chars: 100 } as const;
    expect(await threads.run(wanted, [contentOf("abc\ndef\nbbb\n")])).toEqual({
      from: 1,
      total: 2,
      shown: 2,
      last: 3,
      text: "1:abc\n3:bbb",
    });
    await expect(threads.run({ ...wanted, find: "(" }, [contentOf("a")])).rejects.toMatchObject({
      name: "ArtifactError",
      code: "invalid_argument",
      next: "correct_argument",
      details: { argument: "find" },
    });
  });

  it("gives an analysis the bytes that it asks for", async () => {
    const { run } = open();
    expect(textOf(await run("bytes"))).toBe("content");
    // Bytes 2 to 4, the last one, and none behind the end.
    expect(textOf(await run("part"))).toBe("ntet");
    expect(await run("both", [contentOf("ab"), contentOf("cd")])).toEqual(
      [Buffer.from("a"), Buffer.from("c")].map((each) => new Uint8Array(each)),
    );
  });

  it("takes a reader's own buffer, and leaves it to the reader", async () => {
    const { run } = open();
    const own = Buffer.from("a buffer of the reader");
    expect(textOf(await run("bytes", [contentOf(own, async () => own)]))).toBe("a buffer of the reader");
    expect(own.toString()).toBe("a buffer of the reader");
  });

  it("rejects with the error of a reader, also if the analysis goes on without the bytes", async () => {
    const { run, events } = open();
    const error = new Error("damaged");
    const broken = contentOf("content", () => Promise.reject(error));
    await expect(run("bytes", [broken])).rejects.toBe(error);
    await expect(run("swallow", [broken])).rejects.toBe(error);
    expect(textOf(await run("bytes"))).toBe("content");
    expect(events).toEqual([]);
  });

  it("passes errors of an analysis on, and hides defects", async () => {
    const { run } = open();
    await expect(run("refuse")).rejects.toMatchObject({
      code: "invalid_argument",
      message: "no",
      next: "describe_content",
      details: { argument: "find" },
    });
    for (const defect of ["fail", "uncopiable"]) {
      await expect(run(defect)).rejects.toMatchObject({ code: "internal", next: "call_again" });
    }
    await expect(run("fail")).rejects.toMatchObject({ cause: expect.stringContaining("TypeError: a defect") });
  });

  it("answers also if far too many reports are made", async () => {
    expect(await open().run("reports")).toBe("done");
  });

  it("rejects if the thread dies, and starts another one", async () => {
    const { run, events } = open();
    await expect(run("exit")).rejects.toMatchObject({
      code: "internal",
      next: "call_again",
      cause: expect.objectContaining({ message: "the thread has ended with exit code 7" }),
    });
    expect(textOf(await run("bytes"))).toBe("content");
    expect(events).toEqual(["analysis_thread_ended"]);
  });

  it("rejects if the program fails or is missing, and if the system gives no thread", async () => {
    const none = join(await temporaryDirectory(), "none.cjs");
    // `new Worker` throws for a number, as it does if there are too many threads.
    for (const [name, event] of [
      [path("failing-program.mjs"), "analysis_thread_ended"],
      [none, "analysis_thread_ended"],
      [5 as unknown as string, "analysis_thread_not_started"],
    ] as const) {
      const { run, events } = openThreads(name);
      for (const times of [1, 2, 3]) {
        await expect(run("bytes")).rejects.toMatchObject({ code: "internal", next: "call_again" });
        await expect.poll(() => events).toEqual(Array(times).fill(event));
      }
    }
  });

  it("runs two at a time, and the others in order", async () => {
    const { run } = open();
    const gates = Array.from({ length: 6 }, gate);
    const begun: number[] = [];
    const ended: number[] = [];
    const runs = gates.map(async ({ passed }, index) => {
      const read = async () => {
        begun.push(index);
        await passed;
        return Buffer.from("content");
      };
      await run("bytes", [contentOf("content", read)]);
      ended.push(index);
    });
    await expect.poll(() => begun.length).toBe(2);
    for (const [index, { open: end }] of gates.entries()) {
      end();
      await runs[index];
      await expect.poll(() => begun.length).toBe(Math.min(6, index + 3));
    }
    expect(new Set(begun.slice(0, 2))).toEqual(new Set([0, 1]));
    expect(begun.slice(2)).toEqual([2, 3, 4, 5]);
    expect(ended).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("ends an analysis, or its wait, by the signal", async () => {
    const { run, events } = open();
    const reason = new Error("the client is gone");
    const stops = Array.from({ length: 4 }, () => new AbortController());
    const runs = stops.map(({ signal }) => run("forEver", undefined, signal));
    const outcomes = Promise.allSettled(runs);
    await sleep(50); // some run and some wait, whatever this moment is
    for (const stop of stops.toReversed()) stop.abort(reason);
    expect(await outcomes).toEqual(Array(4).fill({ status: "rejected", reason }));
    await expect(run("bytes", undefined, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(textOf(await run("bytes"))).toBe("content");
    expect(events).toEqual([]);
  });

  it("close() ends what runs and what waits, and what comes later", async () => {
    const { threads, run, events } = open();
    const outcomes = Promise.allSettled(Array.from({ length: 4 }, () => run("forEver")));
    await threads.close();
    const message = expect.stringContaining("The server is stopping");
    const error = expect.objectContaining({ code: "internal", next: "call_again", message });
    expect(await outcomes).toEqual(Array(4).fill({ status: "rejected", reason: error }));
    await expect(run("bytes")).rejects.toEqual(error);
    expect(events).toEqual([]);
  });

  it("leaves the calling thread free while analyses run", async () => {
    const { run } = open();
    let isRunning = true;
    const runs = Promise.all([run("halfASecond"), run("bytes", [contentOf(new Uint8Array(16 * MiB))])]).finally(() => {
      isRunning = false;
    });
    let turns = 0;
    while (isRunning) {
      await new Promise(setImmediate);
      turns += 1;
    }
    await runs;
    // A thread that was blocked by an analysis of half a second would have had a few turns.
    expect(turns).toBeGreaterThan(100);
  });

  it("does not keep the process alive when no analysis runs", async () => {
    const folder = await temporaryDirectory();
    const bundle = join(folder, "idle.cjs");
    await bundleProgram("test/engines/threads/idle-analyses.ts", bundle, "cjs");
    const { status, stdout, stderr } = spawnSync(process.execPath, [bundle, program()], {
      encoding: "utf8",
      timeout: 25_000,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "content\n", stderr: "" });
  });
});
