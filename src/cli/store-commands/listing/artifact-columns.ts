import type { Artifact } from "../../../store/model/artifact.js";
import { guardText } from "../../../store/model/guard.js";
import type { ListingColumn } from "../../terminal/listing.js";

/** Columns of a listing of artifacts, to choose from. */
export const artifactColumns = {
  size: { title: "SIZE", isNumber: true, text: ({ bytes }, style) => style.bytes(bytes) },
  saved: { title: "SAVED", text: ({ created_at }, style) => style.time(created_at) },
  version: { title: "VERSION", isNumber: true, isLong: true, text: (artifact) => guardText(artifact) },
  type: { title: "TYPE", isLong: true, text: ({ mime_type }) => mime_type },
  expires: {
    title: "EXPIRES",
    isLong: true,
    text: ({ expires_at }, style) => (expires_at === undefined ? "" : style.time(expires_at)),
  },
  savedBy: { title: "BY", isLong: true, text: ({ saved_by = "" }) => saved_by },
  sha256: { title: "SHA256", isLong: true, text: ({ sha256 }) => sha256 },
  metadata: { title: "METADATA", isLong: true, text: ({ metadata }) => metadataText(metadata) },
} as const satisfies Readonly<Record<string, ListingColumn<Artifact>>>;

/** JSON, or nothing if there is no metadata. */
export function metadataText(metadata: Readonly<Record<string, string>>): string {
  return Object.keys(metadata).length === 0 ? "" : JSON.stringify(metadata);
}
