import type { BlobStore } from "./blob-store.js";
import type { ChangeSignal } from "./changes.js";
import { ArtifactError } from "./errors.js";
import type { Log } from "./log.js";
import type { Guard, MetadataStore } from "./metadata-store.js";
import {
  type ArtifactRow,
  artifactKey,
  encodeFreed,
  freedKey,
  type Rows,
  type SessionRecord,
  type SessionRow,
  type Version,
} from "./rows.js";
import { completed, isIdentical } from "./upload-session.js";

/** What a publication came to, whoever brought it to its end. */
export type Ending =
  | { readonly kind: "published"; readonly version: Version }
  /** `if_version` was not met: the bytes wait. `newest` is 0 where the key does not exist. */
  | { readonly kind: "held"; readonly newest: number }
  /** Somebody else ended the session otherwise; undefined where its row is gone. */
  | { readonly kind: "ended"; readonly session: SessionRow | undefined };

/**
 * The commit protocol: from sealed bytes to a visible version, and back. Every step is safe to run twice, at once by
 * several processes, and to be left after any line: whoever comes next ends it the same way.
 */
export interface Publisher {
  /** Brings a session that is `completing` to its end. */
  commit(session: SessionRow): Promise<Ending>;
  /** Ends a session without publishing it; one that is published already is finished instead. Answers its last row. */
  end(session: SessionRow, word: "aborted" | "expired"): Promise<SessionRow | undefined>;
  /**
   * Says in a `freed` row, before their artifact row loses them, which blobs are going; their sessions are finished
   * first, so that nobody publishes them again.
   */
  announce(bucket: string, key: string, versions: readonly Version[]): Promise<void>;
  /** Frees what the artifact row does not name any more. The space is free once this resolves. */
  release(versions: readonly Version[]): Promise<void>;
}

export interface PublisherDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly changes: ChangeSignal;
  readonly log: Log;
  readonly nowSeconds: () => number;
  readonly keepVersions: number;
}

export function createPublisher({
  rows,
  metadata,
  blobs,
  changes,
  log,
  nowSeconds,
  keepVersions,
}: PublisherDependencies): Publisher {
  async function commit(first: SessionRow): Promise<Ending> {
    const { id, bucket, key, segments } = first.value;
    const sealed = segments[0];
    if (sealed === undefined || !(await blobs.install(id, sealed.name))) return settle(first);
    let session = first;
    for (;;) {
      const row = await rows.artifact(bucket, key);
      const ending = await decide(session, row);
      if (ending !== undefined) return ending;
      const now = await rows.session(id);
      if (now?.value.status !== "completing") {
        await takeBack(session.value);
        return settle(session);
      }
      session = now;
    }
  }

  /** One try against the artifact row as it was read; undefined where that row or the session has changed since. */
  async function decide(session: SessionRow, row: ArtifactRow | undefined): Promise<Ending | undefined> {
    const { id, if_version } = session.value;
    const published = versionOf(row, id);
    if (published !== undefined) return finish(session, published);

    const newest = row?.value.versions[0];
    if (newest !== undefined && isIdentical(newest, session.value)) {
      if (!(await complete(session, newest, guardOf(session.value, row)))) return undefined;
      await takeBack(session.value);
      return { kind: "published", version: newest };
    }
    if (if_version !== null && if_version !== (newest?.version ?? 0)) {
      const held = { kind: "held", newest: newest?.version ?? 0 } as const;
      return (await hold(session, row)) ? held : undefined;
    }
    return append(session, row);
  }

  /** The commit point: the artifact row with the new version in front. */
  async function append(session: SessionRow, row: ArtifactRow | undefined): Promise<Ending | undefined> {
    const { bucket, key } = session.value;
    const version = newVersion(session.value, (row?.value.last ?? 0) + 1);
    const versions = [version, ...(row?.value.versions ?? [])];
    const dropped = versions.splice(keepVersions);
    await announce(bucket, key, dropped);
    const value = { bucket, key, last: version.version, versions };
    if (!(await rows.replaceArtifact(artifactKey(bucket, key), row, value, session))) return undefined;
    changes.announce();
    const ending = await finish(session, version);
    await release(dropped).catch((error) => log("warn", "blobs_left_behind", { bucket, key, error: String(error) }));
    return ending;
  }

  function newVersion(record: SessionRecord, version: number): Version {
    const { id, mime_type, offset, sealed, metadata } = record;
    if (sealed === null) throw new Error(`session ${id} is ${record.status} and not sealed`);
    return {
      version,
      session: id,
      mime_type,
      bytes: offset,
      sha256: sealed.sha256,
      created_at: nowSeconds(),
      metadata,
    };
  }

  /** A save that may not be published is not kept for later: its caller hears at once, and has the bytes still. */
  async function hold(session: SessionRow, row: ArtifactRow | undefined): Promise<boolean> {
    const guard = guardOf(session.value, row);
    if (session.value.origin === "upload") {
      return (await rows.replaceSession(session, { ...session.value, status: "held" }, guard)) !== undefined;
    }
    if (!(await rows.dropSession(session, guard))) return false;
    await takeBack(session.value);
    return true;
  }

  /** A save's session has nobody to ask for it again, so its row goes. */
  async function complete(session: SessionRow, version: Version, guard?: Guard): Promise<boolean> {
    if (session.value.origin === "save") return rows.dropSession(session, guard);
    return (await rows.replaceSession(session, completed(session.value, version), guard)) !== undefined;
  }

  /** Behind the commit point. Losing the row here means that somebody else has finished. */
  async function finish(session: SessionRow, version: Version): Promise<Ending> {
    await complete(session, version);
    await blobs
      .removeUpload(session.value.id)
      .catch((error) => log("warn", "upload_left_behind", { session: session.value.id, error: String(error) }));
    return { kind: "published", version };
  }

  /** Takes back an installed blob whose session ended without it. */
  async function takeBack({ id, bucket, key }: SessionRecord): Promise<void> {
    const session = await rows.session(id);
    if (session?.value.status === "completing" || session?.value.status === "held") return;
    // From here nobody can come to publish it, so what the artifact row says now stays true.
    if (versionOf(await rows.artifact(bucket, key), id) !== undefined) return;
    await blobs.removeBlob(id);
    await blobs.removeUpload(id);
  }

  /** What became of a session that somebody else has ended. */
  async function settle({ value: { id, bucket, key } }: SessionRow): Promise<Ending> {
    const session = await rows.session(id);
    const row = await rows.artifact(bucket, key);
    switch (session?.value.status) {
      case undefined: {
        const version = versionOf(row, id);
        return version ? { kind: "published", version } : { kind: "ended", session: undefined };
      }
      case "complete": {
        const version = session.value.artifact;
        if (version === null) throw new Error(`session ${id} is complete without an artifact`);
        return { kind: "published", version };
      }
      case "held":
        return { kind: "held", newest: row?.value.versions[0]?.version ?? 0 };
      case "completing": {
        const version = versionOf(row, id);
        if (version !== undefined) return finish(session, version);
        throw new ArtifactError(
          "corrupt",
          "The uploaded bytes are missing from the disk, so they cannot be published. Abort the session with abort_upload_session and upload again.",
          { session_id: id, bucket, key },
        );
      }
      default:
        return { kind: "ended", session };
    }
  }

  async function end(first: SessionRow, word: "aborted" | "expired"): Promise<SessionRow | undefined> {
    let session: SessionRow | undefined = first;
    while (session !== undefined) {
      const { id, bucket, key, status } = session.value;
      if (status !== "open" && status !== "held" && status !== "completing") return session;
      let guard: Guard | undefined;
      if (status === "completing") {
        const row = await rows.artifact(bucket, key);
        const version = versionOf(row, id);
        if (version !== undefined) {
          await finish(session, version);
          return rows.session(id);
        }
        guard = guardOf(session.value, row);
      }
      const ended = await close(session, word, guard);
      if (ended !== undefined) {
        await blobs.removeBlob(id);
        await blobs.removeUpload(id);
        return ended.row;
      }
      session = await rows.session(id);
    }
    return undefined;
  }

  async function close(session: SessionRow, word: "aborted" | "expired", guard: Guard | undefined) {
    if (session.value.origin === "save")
      return (await rows.dropSession(session, guard)) ? { row: undefined } : undefined;
    const value = { ...session.value, status: word, segments: [], sealed: null };
    const row = await rows.replaceSession(session, value, guard);
    return row && { row };
  }

  async function announce(bucket: string, key: string, versions: readonly Version[]): Promise<void> {
    for (const version of versions) {
      for (;;) {
        const session = await rows.session(version.session);
        if (session?.value.status !== "completing") break;
        await complete(session, version);
      }
      await metadata.put(freedKey(version.session), encodeFreed({ bucket, key }));
    }
  }

  async function release(versions: readonly Version[]): Promise<void> {
    for (const { session } of versions) {
      await blobs.removeBlob(session);
      await blobs.removeUpload(session);
      await metadata.drop(freedKey(session));
    }
  }

  return { commit, end, announce, release };
}

function versionOf(row: ArtifactRow | undefined, session: string): Version | undefined {
  return row?.value.versions.find((version) => version.session === session);
}

function guardOf({ bucket, key }: SessionRecord, row: ArtifactRow | undefined): Guard {
  return { key: artifactKey(bucket, key), text: row?.text };
}
