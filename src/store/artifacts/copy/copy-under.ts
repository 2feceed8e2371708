import { forEachOf } from "../../for-each-of.js";
import { ArtifactError } from "../../model/errors.js";
import { checkBucket } from "../../model/names/bucket-name.js";
import { toKeyPrefix } from "../../model/names/key-name.js";
import { quote } from "../../model/quote.js";
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
 * If `a/b/` goes up to `a/`, then `a/b/b/x` becomes `a/b/x`, which may be in the source itself. So what lies under `a/b/b/`
 * is taken when all else is done, and nothing is put on top of an artifact that could not be taken. Only such a call must
 * not be made again after a crash with `ontoNewest`: what it has put into the source would go up another time.
 *
 * @throws ArtifactError `bucket_not_found`, `invalid_argument`; the reason of the signal if it was aborted
 */
export async function* copyUnder(
  artifacts: Pick<ArtifactStore, "list" | "copy">,
  wanted: CopyUnder,
  options: CopyOptions = {},
): AsyncGenerator<CopyResult, void, undefined> {
  checkFolders(wanted);
  const nested = nestedFolder(wanted);
  if (nested === undefined) return void (yield* copyFolder(artifacts, wanted, undefined, options));
  const failed = new Set<string>();
  let { prefix, to_prefix } = wanted;
  for (;;) {
    const later: Later = { folder: prefix + nested, failed };
    if (!(yield* copyFolder(artifacts, { ...wanted, prefix, to_prefix }, later, options))) return;
    [prefix, to_prefix] = [later.folder, prefix];
  }
}

/** For a source that overlaps the target. */
interface Later {
  /** What is taken in the next round. */
  readonly folder: string;
  /** Keys that could not be taken, so that nothing may be put on top of them. */
  readonly failed: Set<string>;
}

/** Copies or moves all but what is taken later. Returns whether there is something of that. */
async function* copyFolder(
  artifacts: Pick<ArtifactStore, "list" | "copy">,
  wanted: CopyUnder,
  later: Later | undefined,
  options: CopyOptions,
): AsyncGenerator<CopyResult, boolean, undefined> {
  let hasMore = false;
  let cursor: string | undefined;
  do {
    options.signal?.throwIfAborted();
    const { bucket, prefix } = wanted;
    const { data, next_cursor } = await artifacts.list({ bucket, prefix, limit: pageKeys, cursor });
    const keys = data.map(({ key }) => key).filter((key) => later === undefined || !key.startsWith(later.folder));
    hasMore ||= keys.length < data.length;
    for (const result of await copyPage(artifacts, keys, wanted, later?.failed, options)) {
      if ("error" in result.outcome) later?.failed.add(result.key);
      yield result;
    }
    cursor = next_cursor;
  } while (cursor !== undefined);
  return hasMore;
}

/** `b/` if `a/b/` goes up to `a/`. Undefined if no target can be in the source. */
function nestedFolder({ bucket, prefix, to_bucket, to_prefix }: CopyUnder): string | undefined {
  return bucket === to_bucket && prefix.startsWith(to_prefix) ? prefix.slice(to_prefix.length) : undefined;
}

async function copyOne(
  artifacts: Pick<ArtifactStore, "copy">,
  wanted: CopyArtifact,
  options: CopyOptions,
): Promise<CopyResult["outcome"]> {
  try {
    return { copied: await artifacts.copy(wanted, options) };
  } catch (error) {
    if (error instanceof ArtifactError && error.code !== "store_replaced") return { error };
    throw error;
  }
}

/** @param failed keys that must not be replaced */
async function copyPage(
  artifacts: Pick<ArtifactStore, "copy">,
  keys: readonly string[],
  { bucket, prefix, to_bucket, to_prefix, ...how }: CopyUnder,
  failed: ReadonlySet<string> | undefined,
  options: CopyOptions,
): Promise<CopyResult[]> {
  const results: CopyResult[] = [];
  await forEachOf([...keys.entries()], maxRunning, async ([index, key]) => {
    options.signal?.throwIfAborted();
    const to_key = to_prefix + key.slice(prefix.length);
    const wanted = { ...how, bucket, key, to_bucket, to_key };
    const outcome = failed?.has(to_key) ? { error: stillThere(to_key) } : await copyOne(artifacts, wanted, options);
    results[index] = { bucket, key, to_bucket, to_key, outcome };
  });
  return results;
}

function stillThere(key: string): ArtifactError {
  const message = `It would go onto ${quote(key)}, which could not be copied or moved itself. Nothing was changed.`;
  return new ArtifactError("version_conflict", message, { next: "call_again", details: { key } });
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
