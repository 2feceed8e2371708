import { AnalysisThreads } from "../../../src/engines/threads/analysis-threads.js";

/* Runs one analysis, and then has nothing more to do. The argument is the program of the thread. */

const [, , program = ""] = process.argv;
const threads = new AnalysisThreads(() => undefined, { program });
const reader = { read: async () => Buffer.from("content") };
const wanted = { kind: "find", find: "bytes", regex: false, context: 0, chars: 100 } as const;
void threads
  .run(wanted, [{ key: "a", mimeType: "text/plain", bytes: 7, reader }])
  .then((found) => process.stdout.write(`${Buffer.from(found as unknown as Uint8Array)}\n`));
