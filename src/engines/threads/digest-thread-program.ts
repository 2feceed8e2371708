import { createHash, type Hash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import type { PostedAnswer, PostedRequest } from "./worker-requests.js";

/* The program of the thread of `DigestThread`: it digests the bytes in the shared blocks and answers each request. */

/** A request about a digest by its number. */
export type DigestRequest =
  /** Answered as soon as the thread has started. */
  | { readonly kind: "start" }
  /** Adds the first `bytes` of a shared block. The first update of a digest begins it. */
  | { readonly kind: "update"; readonly digest: number; readonly block: number; readonly bytes: number }
  /** Answered with the SHA-256 in lower-case hex. */
  | { readonly kind: "end"; readonly digest: number }
  /** Forgets the digest. */
  | { readonly kind: "close"; readonly digest: number };

/** Memory that is shared with the calling thread. */
const blocks: readonly Uint8Array[] = workerData;
const hashes = new Map<number, Hash>();

function serve(request: DigestRequest): string {
  if (request.kind === "start") return "";
  const hash = hashes.get(request.digest) ?? createHash("sha256");
  if (request.kind === "update") {
    hash.update(blocks[request.block]?.subarray(0, request.bytes) ?? "");
    hashes.set(request.digest, hash);
    return "";
  }
  hashes.delete(request.digest);
  return request.kind === "end" ? hash.digest("hex") : "";
}

parentPort?.on("message", ({ id, request }: PostedRequest<DigestRequest>) => {
  parentPort?.postMessage({ id, result: serve(request) } satisfies PostedAnswer);
});
