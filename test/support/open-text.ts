import { type OpenArtifact, openArtifact } from "../../src/store/artifacts/open-artifact.js";
import { sha256Of } from "../../src/store/model/artifact.js";
import { plainDigests } from "../../src/store/ports/digests.js";

export interface OpenTextOptions {
  readonly key?: string;
  /** Called before each read. */
  readonly onRead?: (start: number, length: number) => Promise<void> | void;
}

/** An open artifact over bytes in memory. */
export function openText(content: Uint8Array | string, { key = "k", onRead }: OpenTextOptions = {}): OpenArtifact {
  const bytes = Buffer.from(content);
  const artifact = {
    bucket: "b",
    key,
    version: 1,
    bytes: bytes.length,
    sha256: sha256Of(bytes),
    mime_type: "text/plain",
    created_at: 0,
    uri: `artifact://b/${key}`,
    metadata: {},
  };
  const reader = {
    async read(start: number, length: number, into?: Uint8Array) {
      await onRead?.(start, length);
      const found = bytes.subarray(start, start + length);
      into?.set(found);
      return into?.subarray(0, found.length) ?? Buffer.from(found);
    },
    close: async () => undefined,
  };
  return openArtifact(artifact, reader, plainDigests);
}
