import type { ArtifactStore } from "../../../store/artifacts/artifact-store.js";
import type { Artifact } from "../../../store/model/artifact.js";
import { ArtifactError } from "../../../store/model/errors.js";
import { type FolderEntry, folderEntries, folderOf, keyOf } from "./folder-entries.js";
import { pagesOf } from "./pages.js";

type Listings = Pick<ArtifactStore, "list" | "listBuckets">;

/** A bucket, a folder or an artifact, as a walk comes by it. After all that is in a bucket or folder comes `"end"`. */
export interface TreeNode {
  readonly bucket: string;
  /** Of a folder it ends with a slash; of a bucket it is empty. */
  readonly prefix: string;
  /** Absent for a bucket and a folder. */
  readonly artifact?: Artifact;
  /** The name in its folder. */
  readonly name: string;
  /** For the node, and for each folder above it from the top on: whether it is the last one of its folder. Empty for the root. */
  readonly lasts: readonly boolean[];
}
export type Step = TreeNode | "end";

/** Walks through all buckets. */
export async function* walkStore(artifacts: Listings, signal: AbortSignal): AsyncGenerator<Step, void, undefined> {
  for await (const { data } of pagesOf((options) => artifacts.listBuckets(options), signal)) {
    for (const { name } of data) yield* walkFolder(artifacts, { bucket: name, prefix: "" }, signal);
  }
}

/** Walks through what begins with `prefix`, depth first and in order. It holds one page for each level. */
export async function* walkFolder(
  artifacts: Listings,
  { bucket, prefix }: Pick<TreeNode, "bucket" | "prefix">,
  signal: AbortSignal,
): AsyncGenerator<Step, void, undefined> {
  yield* walkIn(artifacts, { bucket, prefix, name: `${bucket}/${prefix}`, lasts: [] }, signal);
}

async function* walkIn(
  artifacts: Listings,
  folder: TreeNode,
  signal: AbortSignal,
): AsyncGenerator<Step, void, undefined> {
  const { bucket, prefix, lasts } = folder;
  yield folder;
  for await (const [entry, isLast] of withLast(entriesIn(artifacts, folder, signal))) {
    const name = keyOf(entry).slice(folderOf(prefix).length);
    const node = { bucket, name, lasts: [...lasts, isLast] };
    if (typeof entry === "string") yield* walkIn(artifacts, { ...node, prefix: entry }, signal);
    else yield { ...node, prefix, artifact: entry };
  }
  yield "end";
}

async function* entriesIn(
  artifacts: Listings,
  { bucket, prefix }: TreeNode,
  signal: AbortSignal,
): AsyncGenerator<FolderEntry> {
  try {
    const pages = pagesOf((options) => artifacts.list({ bucket, prefix, delimiter: "/", ...options }), signal);
    for await (const page of pages) yield* folderEntries(page);
  } catch (error) {
    if (!(error instanceof ArtifactError && error.code === "bucket_not_found")) throw error;
    // All in the bucket was deleted since the walk came to it.
  }
}

async function* withLast<Item>(items: AsyncIterable<Item>): AsyncGenerator<readonly [Item, isLast: boolean]> {
  let held: { readonly item: Item } | undefined;
  for await (const item of items) {
    if (held !== undefined) yield [held.item, false];
    held = { item };
  }
  if (held !== undefined) yield [held.item, true];
}
