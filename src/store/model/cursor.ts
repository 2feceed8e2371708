import { sha256Of } from "./artifact.js";
import { ArtifactError } from "./errors.js";

/** One page of a listing. `next_cursor` is present if there are more pages. */
export interface Page<Item> {
  readonly data: Item[];
  readonly next_cursor?: string;
}

export interface PageOptions {
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** Length of the digest that a cursor has before its text, in ASCII characters. */
const digestChars = 8;

/**
 * A cursor that continues a listing after `after`, in base64url of UTF-8.
 *
 * @param scope names the listing and its filters; the cursor is valid only for the same ones
 * @param after well-formed Unicode, not empty
 */
export function encodeCursor(scope: readonly string[], after: string): string {
  return Buffer.from(digestOf(scope, after) + after).toString("base64url");
}

/** The text after which the listing continues. Undefined without a cursor. @throws ArtifactError `invalid_argument` */
export function decodeCursor(scope: readonly string[], cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const after = Buffer.from(cursor, "base64url").toString().slice(digestChars);
  // Decoding accepts many texts. Only a cursor that encodes to the same text again is one of ours.
  if (after !== "" && encodeCursor(scope, after) === cursor) return after;
  throw new ArtifactError(
    "invalid_argument",
    "cursor does not belong to this listing: pass next_cursor of the last page unchanged, with the same other arguments, or leave it out to begin again.",
    { details: { argument: "cursor" } },
  );
}

function digestOf(scope: readonly string[], after: string): string {
  return sha256Of(JSON.stringify([scope, after])).slice(0, digestChars);
}
