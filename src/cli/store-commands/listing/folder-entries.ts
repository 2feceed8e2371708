import type { ArtifactPage } from "../../../store/artifacts/artifact-listings.js";
import type { Artifact } from "../../../store/model/artifact.js";
import { compareKeys } from "../../../store/model/key-order.js";

/** What is in a folder: an artifact, or the beginning of the keys of a deeper folder, with a slash at its end. */
export type FolderEntry = Artifact | string;

/** Artifacts and folders of a page as one list, in the order of their keys. */
export function folderEntries({ data, prefixes }: ArtifactPage): FolderEntry[] {
  return [...data, ...prefixes].sort((a, b) => compareKeys(keyOf(a), keyOf(b)));
}

/** The key of an artifact, or the prefix of a folder. */
export function keyOf(entry: FolderEntry): string {
  return typeof entry === "string" ? entry : entry.key;
}

/** The folder that a prefix ends in: `a/b` and `a/` are in `a/`. Empty at the top of a bucket. */
export function folderOf(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf("/") + 1);
}
