import type { Artifact } from "../../src/store/model/artifact.js";

/** An artifact of 100 bytes, with the given facts. */
export function artifactOf(facts: Partial<Artifact> = {}): Artifact {
  const { bucket = "b", key = "k" } = facts;
  return {
    bucket,
    key,
    version: 1,
    mime_type: "text/plain",
    bytes: 100,
    sha256: "0".repeat(64),
    created_at: 1_800_000_000,
    uri: `artifact://${bucket}/${key}`,
    metadata: {},
    ...facts,
  };
}
