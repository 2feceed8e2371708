import { parentPort } from "node:worker_threads";

/* Answers as `digest-thread-program.ts` does, but ends with exit code 3 when a digest is asked for. */
parentPort?.on("message", ({ id, request }) => {
  if (request.kind === "end") process.exit(3);
  parentPort?.postMessage({ id, result: "" });
});
