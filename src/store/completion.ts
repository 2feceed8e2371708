import type { Ending, Publisher } from "./publish.js";
import type { Rows, SessionRecord, SessionRow } from "./rows.js";
import { missingSegment, type SealedFile, type Staging } from "./staging.js";
import { checksumMismatch, closedError, incomplete, unknownSession, versionConflict } from "./upload-session.js";

export interface CompleteUpload {
  /** Of the whole content; a mismatch publishes nothing and keeps the bytes. */
  readonly sha256?: string | undefined;
  /** Replaces the one given at creation. */
  readonly if_version?: number | undefined;
}

export interface CompletionDependencies {
  readonly rows: Rows;
  readonly staging: Staging;
  readonly publisher: Publisher;
  readonly nowSeconds: () => number;
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
      if (ready.value.status === "complete") return ready.value;
      const ending = await this.#publisher.commit(ready);
      // Somebody else's publication of it was held, under another guard than this call asks for; or, as it looked left
      // behind, although the guard is met.
      const guard = wanted.if_version ?? ready.value.if_version;
      const isMet = ending.kind === "held" && (guard === null || guard === ending.newest);
      if (isMet || (ending.kind === "held" && guard !== ready.value.if_version)) continue;
      return this.#answer(ending, ready.value);
    }
    throw unknownSession(id);
  }

  async #answer(ending: Ending, sealed: SessionRecord): Promise<SessionRecord> {
    switch (ending.kind) {
      case "published": {
        const row = await this.#rows.session(sealed.id);
        return row?.value.status === "complete"
          ? row.value
          : { ...sealed, status: "complete", artifact: ending.version };
      }
      case "held":
        throw versionConflict(sealed, ending.newest);
      case "ended":
        throw ending.session ? closedError(ending.session.value) : unknownSession(sealed.id);
    }
  }

  /** The row once it is `completing`, or `complete` already; undefined where it has changed meanwhile. */
  async #readyToCommit(row: SessionRow, wanted: CompleteUpload): Promise<SessionRow | undefined> {
    const { status, sealed, artifact } = row.value;
    switch (status) {
      case "open":
        return this.#seal(row, wanted);
      case "held": {
        checkWanted(wanted, sealed?.sha256);
        const if_version = wanted.if_version ?? row.value.if_version;
        const again = sealed && { ...sealed, over: await this.#newestSession(row.value), at: this.#nowSeconds() };
        return this.#rows.replaceSession(row, { ...row.value, status: "completing", sealed: again, if_version });
      }
      case "completing":
        checkWanted(wanted, sealed?.sha256);
        return row;
      case "complete":
        checkWanted(wanted, artifact?.sha256);
        return row;
      default:
        throw closedError(row.value);
    }
  }

  /** From `open` to `completing`, naming one file that holds exactly the session's bytes. */
  async #seal(row: SessionRow, wanted: CompleteUpload): Promise<SessionRow | undefined> {
    const { id, offset, size } = row.value;
    if (size !== null && offset < size) throw incomplete(row.value, size);
    const file = await this.#staging.seal(row.value);
    if (file === undefined) {
      await this.throwIfUnchanged(row);
      return undefined;
    }
    let named: SessionRow | undefined;
    try {
      checkWanted(wanted, file.sha256);
      await this.#checkPromised(row, file.sha256);
      named = await this.#name(row, file, wanted);
    } catch (error) {
      await this.#unseal(row, file).catch(() => undefined); // the first error says more; a copy left is the sweep's
      throw error;
    }
    if (named === undefined) await this.#unseal(row, file);
    else await this.#staging.forget(id);
    return named;
  }

  async #name(row: SessionRow, file: SealedFile, wanted: CompleteUpload): Promise<SessionRow | undefined> {
    const { offset } = row.value;
    const over = await this.#newestSession(row.value);
    return this.#rows.replaceSession(row, {
      ...row.value,
      status: "completing",
      segments: [{ name: file.name, bytes: offset }],
      sealed: { sha256: file.sha256, over, at: this.#nowSeconds() },
      if_version: wanted.if_version ?? row.value.if_version,
    });
  }

  /** The session of the version that this one is to come on top of. */
  async #newestSession({ bucket, key }: SessionRecord): Promise<string | null> {
    return (await this.#rows.artifact(bucket, key))?.value.versions[0]?.session ?? null;
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

function checkWanted(wanted: CompleteUpload, actual: string | undefined): void {
  if (wanted.sha256 === undefined || actual === undefined || wanted.sha256 === actual) return;
  const next =
    "The uploaded bytes are kept and not published by this call: complete again with the right sha256 or without it, or abort.";
  throw checksumMismatch(wanted.sha256, actual, "the uploaded content", next);
}
