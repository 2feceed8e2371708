import { parentPort } from "node:worker_threads";
import type { PostedAnswer, PostedRequest } from "../threads/worker-requests.js";
import { type SmallFilesRequest, serveSmallFiles } from "./serve-small-files.js";

/* The program of the threads of `SmallFileThreads`: it answers one request after the other. */

parentPort?.on("message", ({ id, request }: PostedRequest<SmallFilesRequest>) => {
  try {
    const { result, memory } = serveSmallFiles(request);
    parentPort?.postMessage({ id, result } satisfies PostedAnswer, memory);
  } catch (error) {
    parentPort?.postMessage({ id, failure: error as Error } satisfies PostedAnswer<Error>);
  }
});
