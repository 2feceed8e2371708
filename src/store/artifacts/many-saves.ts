import { type Artifact, type DescribedContent, sha256Of, toArtifact } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { mimeTypeOf } from "../model/formats/media-type.js";
import { planPublication } from "../model/publication-plan.js";
import { type Piece, type Version, versionOf } from "../model/records.js";
import { addVersion } from "../publication/key-versions.js";
import { logChange } from "../publication/log-change.js";
import { storedIn } from "../publication/quota.js";
import type { KeyRows } from "../rows.js";
import type { ArtifactSaves, ArtifactSavesDependencies, SaveArtifact } from "./artifact-saves.js";

/** A save of a key that is free, as far as its rows say. */
interface NewArtifact {
  readonly index: number;
  readonly save: SaveArtifact;
  readonly content: DescribedContent;
  readonly rows: KeyRows;
}

/**
 * Saves several small contents at once. Those whose keys are free share one change, which costs far less than a change
 * for each. All others are saved one by one: larger content, keys that exist, and everything if the change is not made.
 */
export class ManySaves {
  readonly #dependencies: ArtifactSavesDependencies;
  readonly #saves: ArtifactSaves;

  constructor(dependencies: ArtifactSavesDependencies, saves: ArtifactSaves) {
    this.#dependencies = dependencies;
    this.#saves = saves;
  }

  /** Saves each content, as `ArtifactSaves.save` does. The results are in the order of the saves. */
  async saveAll(bucket: string, saves: readonly SaveArtifact[]): Promise<PromiseSettledResult<Artifact>[]> {
    const results: PromiseSettledResult<Artifact>[] = [];
    const fresh = await this.#newOf(bucket, saves);
    const made = await this.#saveNew(bucket, fresh).catch((reason: unknown) => {
      // Without room for all of them there may be room for some.
      if (reason instanceof ArtifactError && reason.code === "storage_full") return undefined;
      throw reason;
    });
    for (const [at, { index }] of fresh.entries()) {
      const value = made?.[at];
      if (value !== undefined) results[index] = { status: "fulfilled", value };
    }
    const rest = saves.flatMap((save, index) => (results[index] === undefined ? [{ save, index }] : []));
    const settled = await Promise.allSettled(rest.map(({ save }) => this.#saves.save(save)));
    for (const [at, result] of settled.entries()) results[rest[at]?.index ?? 0] = result;
    return results;
  }

  /** The small contents whose keys are free. */
  async #newOf(bucket: string, saves: readonly SaveArtifact[]): Promise<NewArtifact[]> {
    const { clock, nowSeconds, pieceLimits } = this.#dependencies;
    const keys = new Set<string>();
    const small = saves.flatMap((save, index) => {
      if (save.bytes.length > pieceLimits.maxRowPieceBytes || save.bucket !== bucket) return [];
      const key = this.#checkedKey(save);
      if (key === undefined || keys.has(key)) return [];
      keys.add(key);
      return [{ index, save: { ...save, key } }];
    });
    const found = await this.#rowsOf(
      bucket,
      small.map(({ save }) => save.key),
    );
    const fresh: NewArtifact[] = [];
    for (const [at, { index, save }] of small.entries()) {
      const keyRows = found[at];
      if (keyRows === undefined || keyRows.artifact !== undefined) continue;
      const content = contentOf(save);
      const { if_version, if_edit, idempotency_key } = save;
      const expires_at = await clock.expiryAfter(save.expires_in);
      const plan = planPublication([], { content, expires_at, if_version, if_edit, idempotency_key }, nowSeconds());
      if (plan.kind === "new") fresh.push({ index, save, content, rows: keyRows });
    }
    return fresh;
  }

  /** The rows of each key. Undefined if they are damaged: saving it alone says so. */
  async #rowsOf(bucket: string, keys: readonly string[]): Promise<(KeyRows | undefined)[]> {
    const { rows } = this.#dependencies;
    const unlessDamaged = (error: unknown): undefined => {
      if (!(error instanceof ArtifactError) || error.code !== "corrupt") throw error;
    };
    const found = await rows.ofKeys(bucket, keys).catch(unlessDamaged);
    return found ?? Promise.all(keys.map((key) => rows.ofKey(bucket, key).catch(unlessDamaged)));
  }

  /** Undefined if the save is refused: saving it alone says why. */
  #checkedKey(save: SaveArtifact): string | undefined {
    try {
      return this.#saves.check(save, save.bytes.length);
    } catch (error) {
      if (error instanceof ArtifactError) return undefined;
      throw error;
    }
  }

  /** Writes all pieces and versions in one change. Returns undefined if it was not made. */
  async #saveNew(bucket: string, fresh: readonly NewArtifact[]): Promise<Artifact[] | undefined> {
    const [first] = fresh;
    if (first === undefined) return [];
    const { rows, quota, clock, newId, signal, log, urls } = this.#dependencies;
    const bytes = fresh.reduce((sum, { content }) => sum + content.bytes, 0);
    return quota.during(storedIn(bucket, bytes), async () => {
      const change = rows.begin();
      const versions: Version[] = [];
      for (const { save, content, rows: keyRows } of fresh) {
        const { key, saved_by, idempotency_key, least_version } = save;
        const session = newId();
        const piece: Piece = { name: `0-${newId().slice(0, 16)}`, bytes: content.bytes, in_row: true };
        const pieces = content.bytes === 0 ? [] : [piece];
        if (content.bytes > 0) change.putPiece(session, piece, save.bytes);
        const expires_at = await clock.expiryAfter(save.expires_in);
        const made = { session, pieces, content, expires_at, saved_by, idempotency_key, least_version };
        versions.push(addVersion(change, { bucket, key, rows: keyRows }, made, this.#dependencies).version);
      }
      const isMade = await change.commit(async () => {
        const row = await rows.artifact(bucket, first.save.key);
        return versionOf(row, versions[0]?.session ?? "") !== undefined || undefined;
      });
      if (!isMade) return undefined;
      signal.announce();
      return versions.map((version, index) => {
        const { key = "", saved_by } = fresh[index]?.save ?? {};
        logChange(log, "saved", { bucket, key, versions: [version], by: saved_by, removed: 0 });
        return toArtifact(bucket, key, version, urls);
      });
    });
  }
}

function contentOf({ key, bytes, sha256, metadata = {}, mime_type, defaultMimeType }: SaveArtifact): DescribedContent {
  return {
    sha256: sha256 ?? sha256Of(bytes),
    bytes: bytes.length,
    metadata,
    mime_type: mime_type ?? mimeTypeOf(key, defaultMimeType),
  };
}
