import { forEachOf } from "../../for-each-of.js";
import { ArtifactError } from "../../model/errors.js";
import { checkBucket } from "../../model/names/bucket-name.js";
import { toKeyPrefix } from "../../model/names/key-name.js";
import type { ArtifactStore } from "../artifact-store.js";
import type { CopyOptions } from "./artifact-copy.js";
import type { CopiedArtifact, CopyArtifact } from "./copy-request.js";

export interface CopyUnder extends Pick<CopyArtifact, "move" | "ontoNewest" | "saved_by"> {
  readonly bucket: string;
  /** A folder: it ends with a slash. Empty: the whole bucket. */
  readonly prefix: string;
  readonly to_bucket: string;
  /** A folder too. It must not lie in the source. */
  readonly to_prefix: string;
}

/** What became of one artifact. */
export interface CopyResult {
  readonly bucket: string;
  readonly key: string;
  readonly to_bucket: string;
  readonly to_key: string;
  readonly outcome: { readonly copied: CopiedArtifact } | { readonly error: ArtifactError };
}

/** Keys read at a time. Their results come together. */
const pageKeys = 40;
/** Copies that run at once. The changes that wait for each other share a transaction. */
const maxRunning = 8;

/**
 * Copies or moves every artifact under a folder, each in one atomic step of its own, in the order of their keys. A failure
 * is a result, and the others go on. What is saved meanwhile may come along or not. The same call again goes on after a
 * crash: what was moved is gone from the source, and what was copied is the same already.
 *
 * @throws ArtifactError `bucket_not_found`, `invalid_argument`; the reason of the signal if it was aborted
 */
export async function* copyUnder(
  artifacts: Pick<ArtifactStore, "list" | "copy">,
  { bucket, prefix, to_bucket, to_prefix, ...how }: CopyUnder,
  options: CopyOptions = {},
): AsyncGenerator<CopyResult, void, undefined> {
  checkFolders({ bucket, prefix, to_bucket, to_prefix });
  /** What this call has made in the source itself: it must not be taken for a part of it. */
  const made = new Set<string>();
  let cursor: string | undefined;
  do {
    const { data, next_cursor } = await artifacts.list({ bucket, prefix, limit: pageKeys, cursor });
    const keys = data.map(({ key }) => key).filter((key) => !made.has(key));
    const results = new Map<string, CopyResult>();
    await forEachOf(keys, maxRunning, async (key) => {
      options.signal?.throwIfAborted();
      const to_key = to_prefix + key.slice(prefix.length);
      if (to_bucket === bucket && to_key.startsWith(prefix)) made.add(to_key);
      const outcome = await artifacts.copy({ ...how, bucket, key, to_bucket, to_key }, options).then(
        (copied) => ({ copied }),
        (error) => {
          if (error instanceof ArtifactError && error.code !== "store_replaced") return { error };
          throw error;
        },
      );
      results.set(key, { bucket, key, to_bucket, to_key, outcome });
    });
    for (const key of keys) {
      const result = results.get(key);
      if (result !== undefined) yield result;
    }
    cursor = next_cursor;
  } while (cursor !== undefined);
}

/** @throws ArtifactError `invalid_argument` */
function checkFolders({ bucket, prefix, to_bucket, to_prefix }: CopyUnder): void {
  checkBucket(to_bucket);
  for (const folder of [prefix, to_prefix]) {
    toKeyPrefix(folder);
    if (folder !== "" && !folder.endsWith("/")) throw new Error(`${folder} is no folder`);
  }
  if (bucket !== to_bucket || !to_prefix.startsWith(prefix)) return;
  const message = "A folder cannot be copied or moved into itself. Nothing was changed.";
  throw new ArtifactError("invalid_argument", message, { details: { argument: "to_prefix" } });
}
