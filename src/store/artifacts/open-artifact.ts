import { type Artifact, sha256Of } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { copyBlockBytes } from "../model/limits.js";
import { quote } from "../model/quote.js";
import { readAhead } from "../pieces/read-ahead.js";
import type { ByteReader } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";

/** An artifact's content, which stays readable while it is open, even when the artifact is deleted meanwhile. */
export interface OpenArtifact {
  readonly artifact: Artifact;
  /**
   * Exactly the bytes asked for, as far as the content goes; where that is all of it, its digest is checked.
   *
   * @param into a buffer of `length` or more, that they may be put into
   * @throws ArtifactError `corrupt`
   */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /**
   * Bytes `[start, end)` of the content in blocks, each good until the next is asked for.
   *
   * @param blockBytes bytes of a block; two are in memory
   * @throws ArtifactError `corrupt`
   */
  part(start: number, end: number, blockBytes?: number): AsyncGenerator<Uint8Array, void, undefined>;
  /**
   * The same of all of it. The last block comes once all of them have the content's digest.
   *
   * @throws ArtifactError `corrupt` in place of the last block
   */
  whole(blockBytes?: number): AsyncGenerator<Uint8Array, void, undefined>;
  close(): Promise<void>;
}

export function openArtifact(artifact: Artifact, reader: ByteReader, digests: Digests): OpenArtifact {
  const { bytes, sha256 } = artifact;
  const read = async (start: number, length: number, into?: Uint8Array): Promise<Uint8Array> => {
    const wanted = Math.max(0, Math.min(length, bytes - start));
    const found = await reader.read(start, wanted, into);
    if (found.length !== wanted) throw damaged(artifact);
    return found;
  };
  const part = (start: number, end: number, blockBytes = copyBlockBytes) => readAhead(read, { start, end, blockBytes });
  return {
    artifact,
    async read(start, length, into) {
      const found = await read(start, length, into);
      if (found.length === bytes && sha256Of(found) !== sha256) throw damaged(artifact);
      return found;
    },
    part,
    async *whole(blockBytes) {
      const digest = await digests.begin(bytes);
      try {
        let done = 0;
        for await (const block of part(0, bytes, blockBytes)) {
          await digest.update(block);
          done += block.length;
          if (done === bytes && (await digest.hex()) !== sha256) throw damaged(artifact);
          yield block;
        }
      } finally {
        digest.close();
      }
    },
    close: () => reader.close(),
  };
}

export function damaged({ bucket, key, version }: Artifact): ArtifactError {
  const message = `The content of version ${version} of ${quote(key)} in bucket ${quote(bucket)} is damaged: missing, cut short or changed.`;
  return new ArtifactError("corrupt", message, { next: "verify_store", details: { bucket, key, version } });
}
