import { sha256Of } from "../model/artifact.js";
import type { SessionRecord, Version } from "../model/records.js";
import type { ContentStore, PieceName } from "../ports/content-store.js";
import type { Change, Rows } from "../rows.js";
import type { LeftOut } from "./backup-manifest.js";
import {
  type ArtifactBackup,
  type BackupRecord,
  type PlainBackup,
  plainKey,
  type UploadBackup,
} from "./backup-records.js";
import { UnreadableContent } from "./copy-content.js";
import type { RestoreClaim } from "./restore-claim.js";
import type { RestoredContents } from "./restored-contents.js";

export interface RestoreRunDependencies {
  readonly rows: Rows;
  readonly content: ContentStore;
}

/**
 * Writes the records of a backup into a store: the content of each first, then its rows in one change. What is there
 * already is left as it is.
 */
export class RestoreRun {
  /** What the backup has not got, though its records name it. */
  readonly missing: LeftOut[] = [];
  readonly #dependencies: RestoreRunDependencies;
  readonly #contents: RestoredContents;
  readonly #claim: RestoreClaim;
  /** Limits of buckets. They are written last, so that none deletes what is not yet restored. */
  readonly #limits: PlainBackup[] = [];
  /** Pieces in the store, by session, when this process began: those that no row names are from a process that died. */
  #leftovers = new Map<string, PieceName[]>();

  constructor(dependencies: RestoreRunDependencies, contents: RestoredContents, claim: RestoreClaim) {
    this.#dependencies = dependencies;
    this.#contents = contents;
    this.#claim = claim;
  }

  /** Must be called before the first record, so that pieces of this process do not count as leftovers. */
  async findLeftovers(): Promise<void> {
    if (!this.#claim.isResumed) return;
    const { content } = this.#dependencies;
    for (const shard of await content.shards()) {
      for (const { piece } of await content.listShard(shard)) {
        if (piece === undefined) continue;
        this.#leftovers.set(piece.session, [...(this.#leftovers.get(piece.session) ?? []), piece]);
      }
    }
  }

  async restore(record: BackupRecord): Promise<void> {
    if (record.kind === "artifact") return this.#artifact(record);
    if (record.kind === "upload") return this.#upload(record);
    if (record.kind === "bucket") this.#limits.push(record);
    else await this.#plain(record);
  }

  /**
   * Writes the limits of buckets, and notes in the same change that all is restored: from then on a client may take away
   * what was restored, and no later process brings it back.
   */
  async end(): Promise<void> {
    const { rows } = this.#dependencies;
    for (let isWritten = false; !isWritten; ) {
      const change = rows.begin();
      for (const record of this.#limits) {
        const key = plainKey(record);
        if ((await rows.stored(key)) === undefined) change.add(key, record.facts);
      }
      isWritten = await this.#claim.write(change);
    }
  }

  async #artifact({ bucket, key, last, versions }: ArtifactBackup): Promise<void> {
    const { rows } = this.#dependencies;
    const old = await rows.ofKey(bucket, key);
    if (old.artifact !== undefined || old.gone !== undefined) return;
    const change = rows.begin();
    const restored: Version[] = [];
    for (const facts of versions) {
      const { version, sha256, bytes } = facts;
      const session = this.#sessionOf(bucket, key, version);
      const pieces = await this.#place(session, { sha256, bytes }, change, { bucket, key, version });
      if (pieces !== undefined) restored.push({ ...facts, session, pieces });
    }
    const text = change.versions(bucket, key, old, { last, versions: restored });
    await this.#commit(change, restored, async () => {
      const { artifact, gone } = await rows.ofKey(bucket, key);
      return text === undefined ? gone !== undefined : artifact?.text === text;
    });
  }

  async #upload({ kind: _, stored_sha256: sha256, ...facts }: UploadBackup): Promise<void> {
    const { rows } = this.#dependencies;
    const { id: session, bucket, key, offset: bytes } = facts;
    if ((await rows.session(session)) !== undefined) return;
    const change = rows.begin();
    const named = { bucket, key, session_id: session };
    const pieces = sha256 === null ? [] : await this.#place(session, { sha256, bytes }, change, named);
    if (pieces === undefined) return;
    const digest = sha256 === null ? null : { bytes, sha256 };
    const record: SessionRecord = { ...facts, is_listed: true, pieces, digest, artifact: null };
    const row = change.session(undefined, record);
    change.listSession(record);
    await this.#commit(change, [{ session, pieces }], async () => (await rows.session(session))?.text === row.text);
  }

  async #plain(record: PlainBackup): Promise<void> {
    const { rows } = this.#dependencies;
    const key = plainKey(record);
    if ((await rows.stored(key)) !== undefined) return;
    const change = rows.begin();
    change.add(key, record.facts);
    await this.#commit(change, [], async () => (await rows.stored(key)) !== undefined);
  }

  /** Returns the pieces of a content; undefined if the backup has not got it, which is noted. */
  async #place(
    session: string,
    wanted: { readonly sha256: string; readonly bytes: number },
    change: Change,
    named: LeftOut,
  ) {
    await this.#dependencies.content.remove(this.#leftovers.get(session) ?? []);
    try {
      return await this.#contents.place(session, wanted, change);
    } catch (error) {
      if (!(error instanceof UnreadableContent)) throw error;
      this.missing.push({ ...named, problem: `the content ${error.message}` });
      return undefined;
    }
  }

  /**
   * Makes the change, unless another process has taken the restore over. If another program has made one of its rows
   * meanwhile, that row stays.
   *
   * @param isMade whether the rows show that the change was made, after an error
   */
  async #commit(
    change: Change,
    placed: readonly Pick<Version, "session" | "pieces">[],
    isMade: () => Promise<boolean>,
  ): Promise<void> {
    change.compare(this.#claim.row);
    if (await change.commit(async () => (await isMade()) || undefined)) return;
    const pieces = placed.flatMap(({ session, pieces }) =>
      pieces.map(({ name, in_row }) => ({ session, name, in_row })),
    );
    await this.#dependencies.content.remove(pieces.filter(({ in_row }) => in_row === undefined));
    await this.#claim.check();
  }

  /** The session of a restored version. A restore that is run again gives it the same, and so finds what was left. */
  #sessionOf(bucket: string, key: string, version: number): string {
    return sha256Of([this.#claim.records, bucket, key, version].join("\t")).slice(0, 32);
  }
}
