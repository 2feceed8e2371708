import type { CommitOptions, Ending, Publisher } from "./publish.js";
import type { Rows, SessionRecord, SessionRow } from "./rows.js";
import { missingSegment, type SealedFile, type Staging } from "./staging.js";
import {
  checksumMismatch,
  closedError,
  completed,
  incomplete,
  unknownSession,
  versionConflict,
} from "./upload-session.js";

export interface CompleteUpload {
  /** Of the whole content; a mismatch publishes nothing and keeps the bytes. */
  readonly sha256?: string | undefined;
  /** Replaces the one given at creation. */
  readonly if_version?: number | undefined;
  /** What an upload without one has been found to have, in bytes. */
  readonly size?: number | undefined;
}

export interface CompletionDependencies {
  readonly rows: Rows;
  readonly staging: Staging;
  readonly publisher: Publisher;
  readonly nowSeconds: () => number;
}

/** A session that is `completing`, or `complete` already, and what was read on the way. */
interface Ready extends Pick<CommitOptions, "read"> {
  readonly session: SessionRow;
}

/** Brings an upload with all its bytes from `open` or `held` to `complete`, whoever else does the same. */
export class Completion {
  readonly #rows: Rows;
  readonly #staging: Staging;
  readonly #publisher: Publisher;
  readonly #nowSeconds: () => number;

  constructor(dependencies: CompletionDependencies) {
    this.#rows = dependencies.rows;
    this.#staging = dependencies.staging;
    this.#publisher = dependencies.publisher;
    this.#nowSeconds = dependencies.nowSeconds;
  }

  /**
   * The session once it is complete.
   *
   * @throws ArtifactError `incomplete`, `checksum_mismatch`, `version_conflict`, `session_closed`, `session_expired`,
   * `session_not_found`
   */
  async publish(first: SessionRow, wanted: CompleteUpload = {}): Promise<SessionRecord> {
    const { id, offset } = first.value;
    for (let row: SessionRow | undefined = first; row !== undefined; row = await this.#rows.session(id)) {
      // Set back to 0 by somebody else's failed completion: what is there now is not what this call meant.
      if (row.value.offset < offset) throw incomplete(row.value, offset);
      const ready = await this.#readyToCommit(row, wanted);
      if (ready === undefined) continue;
      const { session, ...options } = ready;
      if (session.value.status === "complete") return session.value;
      const ending = await this.#publisher.commit(session, options);
      // Somebody else's publication of it was held, under another guard than this call asks for; or, as it looked left
      // behind, although the guard is met.
      const guard = wanted.if_version ?? session.value.if_version;
      const isMet = ending.kind === "held" && (guard === null || guard === ending.newest);
      if (isMet || (ending.kind === "held" && guard !== session.value.if_version)) continue;
      return answer(ending, session.value);
    }
    throw unknownSession(id);
  }

  /** The row once it is `completing`, or `complete` already; undefined where it has changed meanwhile. */
  async #readyToCommit(row: SessionRow, wanted: CompleteUpload): Promise<Ready | undefined> {
    const { status, sealed, artifact } = row.value;
    switch (status) {
      case "open":
        return this.#seal(row, wanted);
      case "held":
        checkWanted(wanted, sealed?.sha256);
        if (sealed === null) throw new Error(`session ${row.value.id} is held and not sealed`);
        return this.#name(row, row.value.segments, sealed.sha256, wanted);
      case "completing":
        checkWanted(wanted, sealed?.sha256);
        return { session: row };
      case "complete":
        checkWanted(wanted, artifact?.sha256, publishedNext);
        return { session: row };
      default:
        throw closedError(row.value);
    }
  }

  /** From `open` to `completing`, naming one file that holds exactly the session's bytes. */
  async #seal(row: SessionRow, wanted: CompleteUpload): Promise<Ready | undefined> {
    const { id, offset, size } = row.value;
    if (size !== null && offset < size) throw incomplete(row.value, size);
    const file = await this.#staging.seal(row.value);
    if (file === undefined) {
      await this.throwIfUnchanged(row);
      return undefined;
    }
    let named: Ready | undefined;
    try {
      await this.#checkPromised(row, file.sha256);
      checkWanted(wanted, file.sha256);
      named = await this.#name(row, [{ name: file.name, bytes: offset }], file.sha256, wanted);
    } catch (error) {
      await this.#unseal(row, file).catch(() => undefined); // the first error says more; a copy left is the sweep's
      throw error;
    }
    if (named === undefined) await this.#unseal(row, file);
    else await this.#staging.forget(id);
    return named;
  }

  /** To `completing`, on top of what is the newest version now. */
  async #name(
    row: SessionRow,
    segments: SessionRecord["segments"],
    sha256: string,
    wanted: CompleteUpload,
  ): Promise<Ready | undefined> {
    const { bucket, key } = row.value;
    const newest = await this.#rows.artifact(bucket, key);
    const session = await this.#rows.replaceSession(row, {
      ...row.value,
      status: "completing",
      segments,
      sealed: { sha256, over: newest?.value.versions[0]?.session ?? null, at: this.#nowSeconds() },
      if_version: wanted.if_version ?? row.value.if_version,
      size: wanted.size ?? row.value.size,
    });
    return session && { session, read: { row: newest } };
  }

  /** A copy that the row did not come to name is removed again; after an error the row says whether it did. */
  async #unseal({ value: { id } }: SessionRow, file: SealedFile): Promise<void> {
    if (!file.copied) return;
    const now = await this.#rows.session(id);
    if (now?.value.segments.some(({ name }) => name === file.name)) return;
    await this.#staging.remove(id, [file.name]);
  }

  /** Content that is not what was announced at creation is not kept: the session begins again. */
  async #checkPromised(row: SessionRow, actual: string): Promise<void> {
    const { id, segments, sha256 } = row.value;
    if (sha256 === null || sha256 === actual) return;
    // Where the row was lost, what is there now has not been judged yet; the naming that follows is lost too.
    if (!(await this.#rows.replaceSession(row, { ...row.value, offset: 0, segments: [] }))) return;
    await this.#staging.forget(id);
    const names = segments.map(({ name }) => name);
    await this.#staging.remove(id, names);
    const next =
      "Nothing was published and the session is set back: upload the content again from offset 0, or abort it and create a session with the right sha256.";
    throw checksumMismatch(sha256, actual, "the uploaded content", next, 0);
  }

  /** For a segment that is gone. @throws ArtifactError `corrupt` where the row still counts on it */
  async throwIfUnchanged(row: SessionRow): Promise<void> {
    const again = await this.#rows.session(row.value.id);
    const names = row.value.segments.map(({ name }) => name).join(", ");
    if (again?.text === row.text) throw missingSegment(row.value, names);
  }
}

function answer(ending: Ending, sealed: SessionRecord): SessionRecord {
  switch (ending.kind) {
    case "published":
      return completed(sealed, ending.version);
    case "held":
      throw versionConflict(sealed, ending.newest);
    case "ended":
      throw ending.session ? closedError(ending.session.value) : unknownSession(sealed.id);
  }
}

const keptNext =
  "The uploaded bytes are kept and not published by this call: complete again with the right sha256 or without it, or abort.";
const publishedNext =
  "The upload is complete already, and its artifact is published and stays. If your content is another, save it in a new session.";

function checkWanted(wanted: CompleteUpload, actual: string | undefined, next = keptNext): void {
  if (wanted.sha256 === undefined || actual === undefined || wanted.sha256 === actual) return;
  throw checksumMismatch(wanted.sha256, actual, "the uploaded content", next);
}
