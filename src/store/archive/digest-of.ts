import { copyBlockBytes } from "../model/limits.js";
import { readAhead } from "../pieces/read-ahead.js";
import type { Digests } from "../ports/digests.js";
import type { LocalFile } from "../ports/local-files.js";

/** The SHA-256 digest of an open file, in lower-case hex. */
export async function digestOf(file: LocalFile, digests: Digests): Promise<string> {
  const digest = await digests.begin(file.bytes);
  try {
    const blocks = readAhead(file.read, { start: 0, end: file.bytes, blockBytes: copyBlockBytes });
    for await (const block of blocks) await digest.update(block);
    return await digest.hex();
  } finally {
    digest.close();
  }
}
