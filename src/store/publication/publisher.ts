import type { BlobStore } from "./blob-store.js";
import type { ChangeSignal } from "./changes.js";
import { ArtifactError } from "./errors.js";
import type { Log } from "./log.js";
import type { Guard, MetadataStore, StoredRow } from "./metadata-store.js";
import {
  type ArtifactRow,
  artifactKey,
  encodeFreed,
  freedKey,
  idOf,
  type Rows,
  type SessionRecord,
  type SessionRow,
  sessionKey,
  uploadKey,
  uploadText,
  type Version,
  versionOf,
} from "./rows.js";
import { completed, isGuardMet, isIdentical, isUnfinished } from "./upload-session.js";

/** What a publication came to, whoever brought it to its end. */
export type Ending =
  | { readonly kind: "published"; readonly version: Version }
  /** `if_version` was not met: the bytes wait. `newest` is 0 where the key does not exist. */
  | { readonly kind: "held"; readonly newest: number }
  /** Somebody else ended the session otherwise; undefined where its row is gone. */
  | { readonly kind: "ended"; readonly session: SessionRow | undefined };

export interface PublisherDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly changes: ChangeSignal;
  readonly log: Log;
  readonly nowSeconds: () => number;
  readonly keepVersions: number;
}

export interface CommitOptions {
  /** The artifact row as the caller has read it, so that it is not read again unless it has changed since. */
  readonly read?: { readonly row: ArtifactRow | undefined };
  /**
   * It was left `completing` by somebody who is gone: it may not come on top of what was published since, and is held
   * instead.
   */
  readonly isLeftBehind?: boolean;
}

/** Not at its end: somebody has taken it up again. */
interface Completing {
  readonly kind: "completing";
  readonly session: SessionRow;
}

/**
 * The commit protocol: from sealed bytes to a visible version, and back. Every step is safe to run twice, at once by
 * several processes, and to be left after any line: whoever comes next ends it the same way.
 */
export class Publisher {
  readonly #rows: Rows;
  readonly #metadata: MetadataStore;
  readonly #blobs: BlobStore;
  readonly #changes: ChangeSignal;
  readonly #log: Log;
  readonly #nowSeconds: () => number;
  readonly #keepVersions: number;

  constructor(dependencies: PublisherDependencies) {
    this.#rows = dependencies.rows;
    this.#metadata = dependencies.metadata;
    this.#blobs = dependencies.blobs;
    this.#changes = dependencies.changes;
    this.#log = dependencies.log;
    this.#nowSeconds = dependencies.nowSeconds;
    this.#keepVersions = dependencies.keepVersions;
  }

  /** Brings a session that is `completing` to its end. */
  async commit(first: SessionRow, options: CommitOptions = {}): Promise<Ending> {
    const { id, bucket, key, segments } = first.value;
    const sealed = segments[0];
    if (sealed === undefined || !(await this.#blobs.install(id, sealed.name))) return this.#settleWithoutBytes(first);
    let session = first;
    for (let { read } = options; ; read = undefined) {
      const { row } = read ?? { row: await this.#rows.artifact(bucket, key) };
      const ending = await this.#decide(session, row, options);
      if (ending !== undefined) return ending;
      const settled = await this.#settle(session.value);
      if (settled.kind !== "completing") return settled;
      session = settled.session;
    }
  }

  /** One try against the artifact row as it was read; undefined where that row or the session has changed since. */
  async #decide(
    session: SessionRow,
    row: ArtifactRow | undefined,
    { isLeftBehind = false }: CommitOptions,
  ): Promise<Ending | undefined> {
    const published = versionOf(row, session.value.id);
    if (published !== undefined) return this.#finish(session, published);

    const newest = row?.value.versions[0];
    if (newest !== undefined && isIdentical(newest, session.value)) {
      const guard = guardOf(session.value, row);
      const isEnded = await this.#endWithoutBlob(session, () => this.#complete(session, newest, guard));
      return isEnded ? { kind: "published", version: newest } : undefined;
    }
    const isOvertaken = isLeftBehind && (newest?.session ?? null) !== session.value.sealed?.over;
    if (isOvertaken || !isGuardMet(session.value, newest)) {
      const held = { kind: "held", newest: newest?.version ?? 0 } as const;
      return (await this.#hold(session, row)) ? held : undefined;
    }
    return this.#append(session, row);
  }

  /** The commit point: the artifact row with the new version in front. */
  async #append(session: SessionRow, row: ArtifactRow | undefined): Promise<Ending | undefined> {
    const { bucket, key } = session.value;
    const version = this.#newVersion(session.value, (row?.value.last ?? 0) + 1);
    const versions = [version, ...(row?.value.versions ?? [])];
    const dropped = versions.splice(this.#keepVersions);
    await this.announce(bucket, key, dropped);
    const value = { bucket, key, last: version.version, versions };
    if (!(await this.#rows.replaceArtifact(artifactKey(bucket, key), row, value, session))) return undefined;
    this.#changes.announce();
    const ending = await this.#finish(session, version);
    await this.release(dropped).catch((error) =>
      this.#log("warn", "blobs_left_behind", { bucket, key, error: String(error) }),
    );
    return ending;
  }

  #newVersion(record: SessionRecord, version: number): Version {
    const { id, mime_type, offset, sealed, metadata } = record;
    if (sealed === null) throw new Error(`session ${id} is ${record.status} and not sealed`);
    return {
      version,
      session: id,
      mime_type,
      bytes: offset,
      sha256: sealed.sha256,
      created_at: this.#nowSeconds(),
      metadata,
    };
  }

  /** A save that may not be published is not kept for later: its caller hears at once, and has the bytes still. */
  async #hold(session: SessionRow, row: ArtifactRow | undefined): Promise<boolean> {
    const guard = guardOf(session.value, row);
    if (session.value.origin === "upload") {
      return (await this.#rows.replaceSession(session, { ...session.value, status: "held" }, guard)) !== undefined;
    }
    return this.#endWithoutBlob(session, () => this.#rows.dropSession(session, guard));
  }

  /** A save's session has nobody to ask for it again, so its row goes. */
  async #complete(session: SessionRow, version: Version, guard?: Guard): Promise<boolean> {
    if (session.value.origin === "save") return this.#rows.dropSession(session, guard);
    return (await this.#rows.replaceSession(session, completed(session.value, version), guard)) !== undefined;
  }

  /** Behind the commit point. Losing the row here means that somebody else has finished. */
  async #finish(session: SessionRow, version: Version): Promise<Ending> {
    await this.#complete(session, version);
    await this.#removeUpload(session.value.id);
    return { kind: "published", version };
  }

  /**
   * Ends a session whose blob may be installed and is not wanted: freed behind the end, or by the sweep, which a
   * `freed` row tells of it. One that is not ended here keeps that row too, since who ends it may count on it.
   */
  async #endWithoutBlob(session: SessionRow, end: () => Promise<boolean>): Promise<boolean> {
    const { id, bucket, key } = session.value;
    await this.#metadata.put(freedKey(id), encodeFreed({ bucket, key, at: this.#nowSeconds() }));
    if (!(await end())) return false;
    await this.free(id).catch((error) => this.#log("warn", "blob_left_behind", { session: id, error: String(error) }));
    return true;
  }

  /** The sealed file is gone: somebody has finished, or the disk has lost it. @throws ArtifactError `corrupt` */
  async #settleWithoutBytes({ value: { id, bucket, key } }: SessionRow): Promise<Ending> {
    const settled = await this.#settle({ id, bucket, key });
    if (settled.kind !== "completing") return settled;
    const version = versionOf(await this.#rows.artifact(bucket, key), id);
    if (version !== undefined) return this.#finish(settled.session, version);
    throw new ArtifactError(
      "corrupt",
      "The uploaded bytes are missing from the disk, so they cannot be published. Abort the session with abort_upload_session and upload again.",
      { session_id: id, bucket, key },
    );
  }

  /** What became of a session that somebody else took on. */
  async #settle({ id, bucket, key }: Pick<SessionRecord, "id" | "bucket" | "key">): Promise<Ending | Completing> {
    const session = await this.#rows.session(id);
    switch (session?.value.status) {
      case undefined: {
        const version = versionOf(await this.#rows.artifact(bucket, key), id);
        return version ? { kind: "published", version } : { kind: "ended", session: undefined };
      }
      case "complete": {
        const version = session.value.artifact;
        if (version === null) throw new Error(`session ${id} is complete without an artifact`);
        return { kind: "published", version };
      }
      case "held": {
        const row = await this.#rows.artifact(bucket, key);
        return { kind: "held", newest: row?.value.versions[0]?.version ?? 0 };
      }
      case "completing":
        return { kind: "completing", session };
      default:
        return { kind: "ended", session };
    }
  }

  /**
   * Ends a session without publishing it; one that is published already is finished instead. Answers its last row:
   * to expire, one that has changed meanwhile is left as it is, since its time may have been moved on.
   */
  async end(first: SessionRow, word: "aborted" | "expired"): Promise<SessionRow | undefined> {
    const { id } = first.value;
    for (let row: SessionRow | undefined = first; row !== undefined; row = await this.#rows.session(id)) {
      if (!isUnfinished(row.value)) return row;
      if (word === "expired" && row.text !== first.text) return row;
      await this.#tryToEnd(row, word);
    }
    return undefined;
  }

  async #tryToEnd(session: SessionRow, word: "aborted" | "expired"): Promise<void> {
    const { id, bucket, key, status } = session.value;
    if (status === "open") {
      if (await this.#close(session, word)) await this.#removeUpload(id);
      return;
    }
    // A session that is being published ends only while the artifact row does not name it.
    const row = status === "completing" ? await this.#rows.artifact(bucket, key) : undefined;
    const version = versionOf(row, id);
    const guard = status === "completing" ? guardOf(session.value, row) : undefined;
    if (version !== undefined) await this.#finish(session, version);
    else await this.#endWithoutBlob(session, () => this.#close(session, word, guard));
  }

  async #close(session: SessionRow, word: "aborted" | "expired", guard?: Guard): Promise<boolean> {
    if (session.value.origin === "save") return this.#rows.dropSession(session, guard);
    const value = { ...session.value, status: word, segments: [], sealed: null };
    return (await this.#rows.replaceSession(session, value, guard)) !== undefined;
  }

  /** An upload that has ended is not told of any more. How many rows went: none where somebody else has changed it. */
  async forget(row: SessionRow): Promise<number> {
    const { id, bucket, key } = row.value;
    await this.#blobs.removeUpload(id); // what it has left would be nobody's without the row
    if (!(await this.#rows.dropSession(row))) return 0;
    return (await this.dropIndex({ key: uploadKey(bucket, key, id), text: uploadText })) ? 2 : 1;
  }

  /** An index row that dangles goes. Its session cannot come to be meanwhile: it is inserted only while this is there. */
  async dropIndex({ key, text }: StoredRow): Promise<boolean> {
    const session = sessionKey(idOf(key));
    if ((await this.#metadata.get(session)) !== undefined) return false;
    return this.#metadata.replace(key, text, undefined, { key: session, text: undefined });
  }

  /** What stays behind is the sweep's. */
  async #removeUpload(id: string): Promise<void> {
    await this.#blobs
      .removeUpload(id)
      .catch((error) => this.#log("warn", "upload_left_behind", { session: id, error: String(error) }));
  }

  /**
   * Says in a `freed` row, before their artifact row loses them, which blobs are going; their sessions are finished
   * first, so that nobody publishes them again.
   */
  async announce(bucket: string, key: string, versions: readonly Version[]): Promise<void> {
    for (const version of versions) {
      for (;;) {
        const session = await this.#rows.session(version.session);
        if (session?.value.status !== "completing") break;
        await this.#complete(session, version);
      }
      await this.#metadata.put(freedKey(version.session), encodeFreed({ bucket, key, at: this.#nowSeconds() }));
    }
  }

  /**
   * Frees what the artifact row does not name any more: the space is free once this resolves. One that fails keeps
   * its `freed` row, and does not keep the others from being freed.
   */
  async release(versions: readonly Version[]): Promise<void> {
    const failures: unknown[] = [];
    for (const { session } of versions) {
      try {
        await this.free(session);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** All bytes of a session that has ended, the upload's first: without them nobody can install the blob again. */
  async free(session: string): Promise<void> {
    await this.#blobs.removeUpload(session);
    await this.#blobs.removeBlob(session);
    await this.#metadata.drop(freedKey(session));
  }
}

function guardOf({ bucket, key }: SessionRecord, row: ArtifactRow | undefined): Guard {
  return { key: artifactKey(bucket, key), text: row?.text };
}
