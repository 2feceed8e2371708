import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { bundleProgram } from "../../../scripts/build.mjs";
import type { AnalysisLimits } from "../../../src/engines/threads/analysis-messages.js";
import { AnalysisThreads } from "../../../src/engines/threads/analysis-threads.js";
import { type AnalysedContent, AnalysisStopped } from "../../../src/store/ports/analyses.js";

export const MiB = 1024 * 1024;
/** The program of the product. */
export const productProgram = join(WORKERS_FOLDER, "analysis-thread.cjs");

/** Bundles the program of `analysis-test-program.ts` for the tests of a file. Returns its path. */
export function testProgram(): () => string {
  let folder = "";
  const program = () => join(folder, "program.cjs");
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "artifacts-mcp-test-"));
    await bundleProgram("test/engines/threads/analysis-test-program.ts", program(), "cjs");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return program;
}

/** Opens threads for one test, with an hour for each analysis. `run` runs an analysis of the test program by its name. */
export function openThreads(program: string, limits: Partial<AnalysisLimits> = {}) {
  const events: string[] = [];
  const threads = new AnalysisThreads((_level, event) => void events.push(event), {
    program,
    limits: { timeMs: 3_600_000, graceMs: 0, memoryBytes: 64 * MiB, ...limits },
  });
  onTestFinished(() => threads.close());
  const run = (find: string, contents = [contentOf("content")], signal?: AbortSignal) =>
    threads.run({ kind: "find", find, regex: false, context: 0, chars: 100 }, contents, signal) as Promise<unknown>;
  return { threads, run, events };
}

export function contentOf(content: string | Uint8Array, read?: AnalysedContent["reader"]["read"]): AnalysedContent {
  const bytes = Buffer.from(content);
  const plain = async (start: number, length: number, into?: Uint8Array) => {
    const found = bytes.subarray(start, start + length);
    into?.set(found);
    return into?.subarray(0, found.length) ?? found;
  };
  return { key: "a.txt", mimeType: "text/plain", bytes: bytes.length, reader: { read: read ?? plain } };
}

/** The text of bytes that an analysis has answered. */
export const textOf = (found: unknown) => Buffer.from(found as Uint8Array).toString();

export const stopped = (reason: "time" | "memory", known?: unknown) => new AnalysisStopped(reason, known);
