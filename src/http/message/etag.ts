import type { Artifact } from "../../store/model/artifact.js";

/**
 * Returns the entity tag of an artifact. Every version and every edit of it has another tag, even with equal content.
 */
export function etagOf({ version, edit = 0, sha256 }: Artifact): string {
  return `"${version}.${edit}-${sha256}"`;
}

/** Returns whether an `If-Match` list has the artifact's tag, or `*`. */
export function matches(list: string, artifact: Artifact): boolean {
  const tags = list.split(",").map((tag) => tag.trim());
  return tags.includes("*") || tags.includes(etagOf(artifact));
}

/** Returns whether an `If-None-Match` list has the artifact's tag, strong or weak, or `*`. */
export function matchesWeakly(list: string, artifact: Artifact): boolean {
  return matches(list.replaceAll("W/", ""), artifact);
}
