import { liveVersions } from "../model/expiry.js";
import type { PieceLimits } from "../model/limits.js";
import { lostFacts } from "../model/previous-facts.js";
import { type PublicationPlan, planPublication } from "../model/publication-plan.js";
import type { FreedRow, Piece, SessionRecord, SessionRow, Version } from "../model/records.js";
import {
  checkSize,
  chunkMissing,
  closedError,
  contentMismatch,
  idempotencyConflict,
  incomplete,
  unknownSession,
  versionConflict,
} from "../model/session-errors.js";
import { bytesOf, completed, describeContent, ended, isUnfinished, splitPieces } from "../model/upload-session.js";
import type { FreedPieces } from "../pieces/freed-pieces.js";
import { readRowPieces } from "../pieces/piece-reader.js";
import type { Staging } from "../pieces/staging.js";
import { throwIfUnchanged } from "../pieces/throw-if-unchanged.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { Change, KeyRows, Rows } from "../rows.js";
import type { ChangeSignal } from "./change-signal.js";
import { addVersion, replaceVersion, versionsOf } from "./key-versions.js";
import { logChange, logUnchanged } from "./log-change.js";
import type { StoreClock } from "./store-clock.js";

export interface CompleteUpload {
  /** SHA-256 of the whole content, in place of the announced one. A mismatch publishes nothing and keeps the bytes. */
  readonly sha256?: string | undefined;
  /** With `if_edit`, replaces the guard given at creation. */
  readonly if_version?: number | undefined;
  /** The `edit` that the version `if_version` must have; 0 if absent. */
  readonly if_edit?: number | undefined;
  /**
   * Size in bytes of an upload that was created without one. If fewer bytes are stored, the upload is `incomplete`. If
   * more are stored, this is not its size, and the call is refused. For an upload whose declared size was too large, the
   * number of its stored bytes ends it there.
   */
  readonly size?: number | undefined;
  /** A chunk was refused. The stored bytes are published only if a size or a digest confirms that they are all. */
  readonly mayLackChunks?: boolean | undefined;
  /** The upload's process may be gone. If a newer version was published since, the upload becomes a conflict. */
  readonly isLeftBehind?: boolean | undefined;
}

export interface PublisherDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly staging: Staging;
  readonly freed: FreedPieces;
  readonly signal: ChangeSignal;
  readonly clock: StoreClock;
  readonly nowSeconds: () => number;
  readonly createdAt: (bucket: string) => number;
  readonly log: Log;
  readonly keepVersions: number;
  readonly pieceLimits: PieceLimits;
}

/** A session whose pieces can be published as they are, and the digest of its content. */
interface Ready {
  readonly session: SessionRow;
  readonly sha256: string;
  /** The text of the session's index row. */
  readonly index: string | undefined;
}

/** A change that is not made yet, and what follows from it. */
interface Attempt {
  readonly change: Change;
  /** The session as it will be. */
  readonly next: SessionRow;
  /** The row of the pieces that the change frees. */
  readonly freed: FreedRow | undefined;
  /** The version that the change publishes, if it publishes a new one. */
  readonly made?: Version;
  /** How many old versions make room for it. */
  readonly removed?: number;
}

/**
 * Publishes uploads. One change of the session's row and the key's rows makes the decision. If another process changed
 * one of these rows first, the change fails, and the publisher reads the rows again and decides again.
 */
export class Publisher {
  readonly #dependencies: PublisherDependencies;

  constructor(dependencies: PublisherDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Publishes a session and returns its record. Returns the record too if the session is complete already.
   *
   * @throws ArtifactError `incomplete`, `checksum_mismatch`, `version_conflict`, `idempotency_conflict`,
   * `session_closed`, `session_expired`, `session_not_found`
   */
  async publish(first: SessionRow, wanted: CompleteUpload = {}): Promise<SessionRecord> {
    const { rows, staging } = this.#dependencies;
    const { id } = first.value;
    for (let row: SessionRow | undefined = first; row !== undefined; row = await rows.session(id)) {
      const { status, artifact } = row.value;
      checkBytes(row.value, wanted);
      if (status === "complete" && artifact !== null) {
        checkDigest(row.value, wanted.sha256, artifact.sha256);
        return row.value;
      }
      if (!isUnfinished(row.value)) throw closedError(row.value);
      const ready = await this.#ready(row);
      if (ready === undefined) continue;
      checkDigest(row.value, wanted.sha256 ?? row.value.sha256 ?? undefined, ready.sha256);
      const record = await this.#decide(ready, wanted);
      if (record === undefined) continue;
      await staging.release(id);
      return record;
    }
    throw unknownSession(id);
  }

  /**
   * Prepares the session's pieces for a version. Content that fits in a row, and has no piece in the content store,
   * stays in rows. Other content moves to the content store. Undefined if the session has changed meanwhile.
   */
  async #ready(row: SessionRow): Promise<Ready | undefined> {
    const { rows, staging, pieceLimits } = this.#dependencies;
    const isSmall =
      row.value.offset <= pieceLimits.maxRowPieceBytes && splitPieces(row.value.pieces).stored.length === 0;
    const stored = isSmall ? row : await staging.withoutRowPieces(row);
    const session = stored && (await staging.withFewPieces(stored));
    const sha256 = session && (await staging.digest(session));
    if (session === undefined || sha256 === undefined) return undefined;
    return { session, sha256, index: await rows.openRow(session.value) };
  }

  /** Tries once, from the rows as they are now. Undefined if one of them has changed meanwhile. */
  async #decide(ready: Ready, wanted: CompleteUpload): Promise<SessionRecord | undefined> {
    const { rows, clock, nowSeconds } = this.#dependencies;
    const { value } = ready.session;
    const { bucket, key } = value;
    const record = withWanted(value, wanted);
    const expires_at = await clock.expiryAfter(record.expires_in);
    const keyRows = await rows.ofKey(bucket, key);
    const content = describeContent(record, ready.sha256);
    const over = wanted.isLeftBehind ? value.over : undefined;
    const plan = planPublication(versionsOf(keyRows), { ...record, content, expires_at, over }, nowSeconds());
    switch (plan.kind) {
      case "new":
        return this.#try(ready, await this.#publishNew(ready, record, keyRows, expires_at));
      case "existing":
        return this.#try(ready, this.#useExisting(ready, record, keyRows, plan));
      case "key used":
        throw idempotencyConflict(bucket, key, plan.version);
      case "conflict": {
        const kept = await this.#try(ready, this.#keepForLater(ready, record, keyRows));
        if (kept === undefined) return undefined;
        throw versionConflict(record, liveVersions(versionsOf(keyRows), nowSeconds())[0]);
      }
    }
  }

  /** @throws ArtifactError if it is not known whether the change was made */
  async #try({ session }: Ready, attempt: Attempt | undefined): Promise<SessionRecord | undefined> {
    const { rows, freed, signal } = this.#dependencies;
    if (attempt === undefined) return undefined;
    const { change, next } = attempt;
    const isDone = await change.commit(async () => {
      const now = await rows.session(session.value.id);
      if (now?.text === session.text) return undefined;
      return now?.text === next.text; // if not, another change was made, and this one never will be
    });
    if (!isDone) return undefined;
    this.#log(attempt);
    if (next.value.status === "complete") signal.announce();
    await freed.remove(attempt.freed);
    return next.value;
  }

  #log({ next, made, removed }: Attempt): void {
    const { log } = this.#dependencies;
    const { bucket, key, is_listed, artifact } = next.value;
    if (made !== undefined) {
      const event = is_listed ? "completed" : "saved";
      logChange(log, event, { bucket, key, versions: [made], by: made.saved_by, removed });
    } else if (artifact !== null) {
      logUnchanged(log, bucket, key, artifact);
    }
  }

  async #publishNew(
    { session, sha256, index }: Ready,
    record: SessionRecord,
    rows: KeyRows,
    expires_at: number | undefined,
  ): Promise<Attempt | undefined> {
    const { nowSeconds } = this.#dependencies;
    const { id, bucket, key, saved_by, idempotency_key, least_version } = record;
    const change = this.#dependencies.rows.begin();
    const pieces = await this.#onePiece(change, session);
    if (pieces === undefined) return undefined;
    const content = describeContent(record, sha256);
    const made = { session: id, pieces, content, expires_at, saved_by, idempotency_key, least_version };
    const { version, dropped } = addVersion(change, { bucket, key, rows }, made, this.#dependencies);
    const freed = change.free(dropped);
    const lost = lostFacts(versionsOf(rows), version, nowSeconds());
    const next = change.session(session, completed(record, version, nowSeconds(), lost));
    change.closeSession(record, index);
    return { change, next, freed, made: version, removed: dropped.length };
  }

  /** Joins pieces that all lie in rows to one piece in a row. Undefined if the session has changed meanwhile. */
  async #onePiece(change: Change, session: SessionRow): Promise<readonly Piece[] | undefined> {
    const { id, pieces } = session.value;
    if (pieces.length < 2 || !pieces.every((piece) => piece.in_row)) return pieces;
    const bytes = await readRowPieces(this.#dependencies, id, pieces);
    if (bytes === undefined || bytes.length !== bytesOf(pieces)) {
      return throwIfUnchanged(this.#dependencies.rows, session);
    }
    const piece: Piece = { name: `${pieces[0]?.name}-whole`, bytes: bytes.length, in_row: true };
    change.putPiece(id, piece, bytes);
    change.free([{ session: id, pieces }]);
    return [piece];
  }

  #useExisting(
    { session, index }: Ready,
    record: SessionRecord,
    rows: KeyRows,
    { version, next: answered }: Existing,
  ): Attempt {
    const { nowSeconds } = this.#dependencies;
    const { id, bucket, key } = record;
    const change = this.#dependencies.rows.begin();
    if (answered === version) change.compareVersions(bucket, key, rows);
    else replaceVersion(change, bucket, key, rows, answered);
    const freed = change.free([{ session: id, pieces: session.value.pieces }]);
    const next = change.session(session, completed(record, answered, nowSeconds()));
    change.closeSession(record, index);
    return { change, next, freed };
  }

  /** Keeps the bytes for another completion. Frees those of a save in one call, because its caller still has them. */
  #keepForLater({ session, sha256 }: Ready, record: SessionRecord, rows: KeyRows): Attempt {
    const { nowSeconds } = this.#dependencies;
    const change = this.#dependencies.rows.begin();
    change.compareVersions(record.bucket, record.key, rows);
    if (record.is_listed) {
      const digest = { bytes: record.offset, sha256 };
      const next = change.session(session, { ...record, status: "conflict", digest });
      return { change, next, freed: undefined };
    }
    const freed = change.free([{ session: record.id, pieces: session.value.pieces }]);
    const next = change.session(session, ended(record, "aborted", nowSeconds()));
    return { change, next, freed };
  }
}

/** The session as its completion wants it. A guard of the completion replaces both parts of the session's own. */
function withWanted(value: SessionRecord, { size, if_version, if_edit }: CompleteUpload): SessionRecord {
  const record = { ...value, size: size ?? value.size };
  if (if_version === undefined) return record;
  const { if_edit: _, ...rest } = record;
  return { ...rest, if_version, ...(if_edit ? { if_edit } : {}) };
}

type Existing = Extract<PublicationPlan, { readonly kind: "existing" }>;

/** @throws ArtifactError `incomplete`; `invalid_argument` if the upload cannot have the wanted size */
function checkBytes(record: SessionRecord, wanted: CompleteUpload): void {
  const isEnded = !isUnfinished(record) && record.status !== "complete";
  if (wanted.size !== undefined && !isEnded && !endsHere(record, wanted.size)) checkSize(record, wanted.size);
  if (!isUnfinished(record)) return;
  const size = wanted.size ?? record.size;
  if (size !== null && record.offset < size) throw incomplete(record, size);
  const isKnown = size !== null || (wanted.sha256 ?? record.sha256) !== null || record.status === "conflict";
  if (wanted.mayLackChunks && !isKnown) throw chunkMissing(record);
}

/** Whether the declared size was too large, and the caller says that what is stored is the whole content. */
function endsHere({ status, size, offset }: SessionRecord, wanted: number): boolean {
  return status === "open" && size !== null && offset < size && offset === wanted;
}

/** @throws ArtifactError `checksum_mismatch` */
function checkDigest(record: SessionRecord, expected: string | undefined, actual: string): void {
  if (expected !== undefined && expected !== actual) throw contentMismatch(record, expected, actual);
}
