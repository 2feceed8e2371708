import type { Run, Source } from "../../../src/analysis/source.js";
import { serveAnalyses } from "../../../src/engines/threads/serve-analyses.js";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { Analysis } from "../../../src/store/ports/analyses.js";

/* Analyses that behave as `find` says. The tests bundle this file. */

const MiB = 1024 * 1024;

const behaviours: Readonly<Record<string, (source: Source, run: Run, more: readonly Source[]) => unknown>> = {
  bytes: (source) => source.read(0, source.bytes),
  async part(source) {
    return [...(await source.read(2, 3)), ...(await source.read(source.bytes - 1, 10)), ...(await source.read(99, 1))];
  },
  async both(source, _run, [second]) {
    return [await source.read(0, 1), await second?.read(0, 1)];
  },
  async untilOver(_source, run) {
    const start = performance.now();
    while (!run.isOver());
    return performance.now() - start;
  },
  forEver(_source, run) {
    for (let number = 1; number <= 3; number += 1) run.report({ number });
    for (;;);
  },
  halfASecond() {
    const start = performance.now();
    while (performance.now() - start < 500);
  },
  async wait() {
    await new Promise(() => undefined);
  },
  heap(_source, run) {
    run.report({ format: "greedy" });
    for (const kept: unknown[] = []; ; ) kept.push({ kept });
  },
  heapWithLooks(_source, run) {
    run.report({ format: "greedy" });
    for (const kept: unknown[] = []; ; ) {
      kept.push({ kept });
      if (kept.length % 1_000 === 0) run.isOver();
    }
  },
  buffers(_source, run) {
    run.report({ format: "buffers" });
    for (const kept: unknown[] = []; !run.isOver(); ) kept.push(new Uint8Array(MiB).fill(1));
  },
  garbage(_source, run) {
    for (let count = 0; count < 1_000; count += 1) {
      new Uint8Array(MiB).fill(1);
      run.isOver();
    }
    return "done";
  },
  hugeRead: (source) => source.read(0, source.bytes),
  async swallow(source) {
    await source.read(0, source.bytes).catch(() => undefined);
    return "done";
  },
  refuse() {
    throw new ArtifactError("invalid_argument", "no", { next: "describe_content", details: { argument: "find" } });
  },
  fail() {
    throw new TypeError("a defect");
  },
  uncopiable: () => () => undefined,
  exit: () => process.exit(7),
  reports(_source, run) {
    for (let number = 1; number <= 100_000; number += 1) run.report({ number });
    return "done";
  },
};

serveAnalyses(async (wanted: Analysis, [source, ...more], run) => {
  if (wanted.kind !== "find") throw new Error(`no ${wanted.kind} here`);
  return behaviours[wanted.find]?.(source, run, more);
});
