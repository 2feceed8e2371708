import { type Artifact, sha256Of } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { copyBlockBytes } from "../model/limits.js";
import { quote } from "../model/quote.js";
import { readAhead } from "../pieces/read-ahead.js";
import type { ByteReader } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";

/** The content of an artifact. It stays readable while it is open, even if the artifact is deleted meanwhile. */
export interface OpenArtifact {
  readonly artifact: Artifact;
  /**
   * Reads bytes `[start, start + length)`, fewer only at the end of the content. A read of the whole content checks its
   * digest.
   *
   * @param into a buffer of at least `length` bytes, which may be used for the result
   * @throws ArtifactError `corrupt`
   */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /**
   * Reads bytes `[start, end)` in blocks. A block is valid until the next one is requested.
   *
   * @param blockBytes bytes of a block
   * @param buffers at least two buffers of at least `blockBytes`, which may be used for the blocks; two new ones by default
   * @throws ArtifactError `corrupt`
   */
  part(
    start: number,
    end: number,
    blockBytes?: number,
    buffers?: readonly Uint8Array[],
  ): AsyncGenerator<Uint8Array, void, undefined>;
  /**
   * Reads the whole content in blocks, as `part` does. It yields the last block only if the digest of all blocks is right.
   *
   * @throws ArtifactError `corrupt` in place of the last block, if the digest is wrong
   */
  whole(blockBytes?: number): AsyncGenerator<Uint8Array, void, undefined>;
  /**
   * As `whole`, for a caller that has the first bytes already: reads on behind them.
   *
   * @param known the first `start` bytes, which are digested first; if they end early, the content is taken for damaged
   * @throws ArtifactError `corrupt` in place of the last block, if these bytes or the others are wrong
   */
  after(known: AsyncIterable<Uint8Array>, start: number): AsyncGenerator<Uint8Array, void, undefined>;
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
  const part: OpenArtifact["part"] = (start, end, blockBytes = copyBlockBytes, buffers = undefined) =>
    readAhead(read, { start, end, blockBytes, buffers });
  async function* checked(known: AsyncIterable<Uint8Array>, start: number, blockBytes?: number) {
    const digest = await digests.begin(bytes);
    try {
      let done = 0;
      for await (const block of known) {
        await digest.update(block);
        done += block.length;
      }
      const isWrong = async () => (await digest.hex()) !== sha256;
      if (done !== start || (done === bytes && (await isWrong()))) throw damaged(artifact);
      for await (const block of part(done, bytes, blockBytes)) {
        await digest.update(block);
        done += block.length;
        if (done === bytes && (await isWrong())) throw damaged(artifact);
        yield block;
      }
    } finally {
      digest.close();
    }
  }
  return {
    artifact,
    async read(start, length, into) {
      const found = await read(start, length, into);
      if (found.length === bytes && sha256Of(found) !== sha256) throw damaged(artifact);
      return found;
    },
    part,
    whole: (blockBytes) => checked(nothing(), 0, blockBytes),
    after: (known, start) => checked(known, start),
    close: () => reader.close(),
  };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

export function damaged({ bucket, key, version }: Artifact): ArtifactError {
  const message = `The content of version ${version} of ${quote(key)} in bucket ${quote(bucket)} is damaged: missing, cut short or changed.`;
  return new ArtifactError("corrupt", message, { next: "verify_store", details: { bucket, key, version } });
}
