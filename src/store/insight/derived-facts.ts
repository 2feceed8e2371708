import type { ArtifactStore } from "../artifacts/artifact-store.js";
import type { Artifact } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import type { DerivedStore } from "../ports/derived-store.js";
import type { Log } from "../ports/log.js";

export interface DerivedFactsDependencies {
  readonly artifacts: Pick<ArtifactStore, "get">;
  readonly derived: DerivedStore;
  readonly log: Log;
  /** Nothing is written. */
  readonly readOnly: boolean;
  /** Content up to this size, in bytes, lies in rows. Nothing is kept for it: it is analysed again as fast. */
  readonly maxRowPieceBytes: number;
}

/** Keeps what was derived from the content of versions, as long as the versions exist. Descriptions and lines share it. */
export class DerivedFacts {
  readonly #dependencies: DerivedFactsDependencies;

  constructor(dependencies: DerivedFactsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The entry as it was put. Undefined if there is none. Never throws. */
  async get({ bytes, sha256 }: Artifact, name: string): Promise<Uint8Array | undefined> {
    const { derived, maxRowPieceBytes } = this.#dependencies;
    return bytes > maxRowPieceBytes ? derived.get(sha256, name) : undefined;
  }

  /** Keeps an entry for as long as the version exists. Never throws. */
  async put(artifact: Artifact, name: string, entry: Uint8Array): Promise<void> {
    const { derived, readOnly, maxRowPieceBytes } = this.#dependencies;
    if (readOnly || artifact.bytes <= maxRowPieceBytes) return;
    await derived.put(artifact.sha256, name, entry);
    // A deletion removes the entries after its change. If that was before this put, nobody else would remove this one.
    if (await this.#isGone(artifact)) await derived.remove(artifact.sha256);
  }

  async #isGone({ bucket, key, version }: Artifact): Promise<boolean> {
    const { artifacts, log } = this.#dependencies;
    try {
      await artifacts.get(bucket, key, version);
      return false;
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "artifact_not_found") return true;
      log("debug", "derived_entry_not_checked", { bucket, key, error: String(error) });
      return false; // it is removed once nobody has used it for long
    }
  }
}
