import { ArtifactError } from "../model/errors.js";
import { openPrefix, parseSessionRow, sessionIdIn, sessionKey } from "../model/records.js";
import { isUnfinished } from "../model/upload-session.js";
import { type MetadataStore, rowsUnder } from "../ports/metadata-store.js";

const pageRows = 1_000;

/** Bytes of the unfinished uploads of a bucket that are stored. Finds them by their index rows. */
export async function unfinishedBytesIn(
  metadata: Pick<MetadataStore, "range" | "getMany">,
  bucket: string,
): Promise<number> {
  const keys: string[] = [];
  for await (const { key } of rowsUnder(metadata, openPrefix(bucket), pageRows))
    keys.push(sessionKey(sessionIdIn(key)));
  let sum = 0;
  for (let n = 0; n < keys.length; n += pageRows) {
    const page = keys.slice(n, n + pageRows);
    for (const [at, text] of (await metadata.getMany(page)).entries()) sum += bytesIn(page[at] ?? "", text);
  }
  return sum;
}

/** A session that has ended meanwhile has no unfinished bytes. One whose row cannot be read is not counted. */
function bytesIn(key: string, text: string | undefined): number {
  if (text === undefined) return 0;
  try {
    const { value } = parseSessionRow({ key, text });
    return isUnfinished(value) ? value.offset : 0;
  } catch (error) {
    if (error instanceof ArtifactError) return 0;
    throw error;
  }
}
