import { sha256Of } from "./artifact.js";
import { ArtifactError } from "./errors.js";

/** One page of a listing; `next_cursor` is there while there is more. */
export interface Page<Item> {
  readonly data: Item[];
  readonly next_cursor?: string;
}

export interface PageOptions {
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** ASCII, in front of the text that a cursor carries. */
const digestChars = 8;

/**
 * A cursor that goes on behind `after`, in base64url of UTF-8.
 *
 * @param scope names the listing and its filters: the cursor is good there only
 * @param after well-formed Unicode, not empty
 */
export function encodeCursor(scope: readonly string[], after: string): string {
  return Buffer.from(digestOf(scope, after) + after).toString("base64url");
}

/** Where to go on: undefined from the beginning. @throws ArtifactError `invalid_argument` */
export function decodeCursor(scope: readonly string[], cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const after = Buffer.from(cursor, "base64url").toString().slice(digestChars);
  // Decoding forgives much: only a cursor that is written the same again is one of ours.
  if (after !== "" && encodeCursor(scope, after) === cursor) return after;
  throw new ArtifactError(
    "invalid_argument",
    "cursor is not one that this listing gave: pass next_cursor of the last page unchanged, with the same other arguments, or leave it out to begin again.",
    { details: { argument: "cursor" } },
  );
}

function digestOf(scope: readonly string[], after: string): string {
  return sha256Of(JSON.stringify([scope, after])).slice(0, digestChars);
}
