import { isGuardMet } from "../model/guard.js";
import { suggestKey } from "../model/names/suggest-key.js";
import { type SessionRecord, type SessionRow, uploadText } from "../model/records.js";
import { notCreated } from "../model/session-errors.js";
import { storedIn } from "../publication/quota.js";
import type { Appender, AppenderDependencies } from "./appender.js";
import type { CopiedContent } from "./copied-content.js";
import { checkFits, describedBy, findSource } from "./copy-source.js";
import { type CreateUpload, checkRequest, emptyDigest, newSession } from "./new-session.js";
import type { SessionCalls } from "./session-calls.js";
import { isKeyTaken, sessionOfSameRequest } from "./upload-index.js";

export interface UploadCreationDependencies extends AppenderDependencies {
  readonly newId: () => string;
}

/** Creates the rows of new sessions. */
export class UploadCreation {
  readonly #dependencies: UploadCreationDependencies;
  readonly #appender: Appender;
  readonly #copies: CopiedContent;
  readonly #calls: SessionCalls;

  constructor(
    dependencies: UploadCreationDependencies,
    appender: Appender,
    copies: CopiedContent,
    calls: SessionCalls,
  ) {
    this.#dependencies = dependencies;
    this.#appender = appender;
    this.#copies = copies;
    this.#calls = calls;
  }

  /**
   * Creates a listed session, with the content that it begins with.
   *
   * @returns its row, or the id of the session that the same request has created before
   * @throws ArtifactError `invalid_argument`, `version_conflict`, `checksum_mismatch`, `too_large`, `storage_full`,
   * `idempotency_conflict`; with `from`: `artifact_not_found`, `size_exceeded`, `corrupt`
   */
  async create(upload: CreateUpload): Promise<SessionRow | string> {
    if (!upload.isOwnKey) return this.#create(upload);
    // If two calls want the same free key, the second one looks after the first one has taken it.
    return this.#calls.run(`key ${upload.bucket} ${upload.key}`, () => this.#create(upload));
  }

  async #create(upload: CreateUpload): Promise<SessionRow | string> {
    const { quota, rows } = this.#dependencies;
    const { from, isOwnKey } = upload;
    const wanted = await this.newRecord(upload, true);
    const known = upload.isNew ? undefined : await sessionOfSameRequest(this.#dependencies, wanted);
    if (known !== undefined) return known;
    const record = isOwnKey ? await this.#withFreeKey(upload, wanted) : wanted;
    const { bucket, size } = record;
    const source = from && (await findSource(rows, from));
    if (source !== undefined) checkFits(source, record);
    await this.#checkGuard(source === undefined ? record : describedBy(source, record, upload), upload);
    await quota.check({ unfinishedBytes: size ?? 0, ...storedIn(bucket, size ?? 0) });
    const created = await quota.during({ openSessions: 1 }, async () => {
      if (from === undefined) return this.insert(record);
      return this.#copies.begin(await this.insert({ ...record, is_listed: false }), upload, from);
    });
    return isOwnKey && record === wanted ? this.#leaveTakenKey(upload, created) : created;
  }

  /**
   * Refuses a session whose guard is not met, unless its content may have been published already: then the publication
   * answers with that version.
   *
   * @throws ArtifactError `version_conflict`
   */
  async #checkGuard(record: SessionRecord, { checksGuardAtEnd, if_version }: CreateUpload): Promise<void> {
    if (record.if_version === null || checksGuardAtEnd) return;
    const { bucket, key, idempotency_key } = record;
    const versions = (await this.#dependencies.rows.liveArtifact(bucket, key))?.value.versions ?? [];
    const [newest] = versions;
    const sha256 = record.size === 0 ? emptyDigest : record.sha256;
    const mayBeNewest = !record.is_strict && newest !== undefined && newest.sha256 === sha256;
    const isKnown =
      idempotency_key !== undefined && versions.some((known) => known.idempotency_keys?.includes(idempotency_key));
    if (mayBeNewest || isKnown || isGuardMet(record, newest)) return;
    throw notCreated(record, newest, if_version === undefined);
  }

  /** @throws ArtifactError `invalid_argument`, `checksum_mismatch`, `too_large` */
  async newRecord(upload: CreateUpload, is_listed: boolean, id = this.#dependencies.newId()): Promise<SessionRecord> {
    const { clock, rows } = this.#dependencies;
    const { bucket, size } = upload;
    const names = checkRequest(upload, id);
    this.#appender.checkArtifactBytes(size ?? 0);
    const created_at = clock.nowSeconds();
    const over = size === 0 ? await rows.lastNumber(bucket, names.key) : null;
    const expires_at = await this.#appender.expiry();
    return newSession(upload, names, { id, is_listed, over, created_at, expires_at });
  }

  /** @param record of a new session */
  async insert(record: SessionRecord): Promise<SessionRow> {
    const change = this.#dependencies.rows.begin();
    const row = change.session(undefined, record);
    if (record.is_listed) change.listSession(record);
    if (await change.commit()) return row;
    throw new Error(`session id ${record.id} was given twice`);
  }

  async #withFreeKey(upload: CreateUpload, record: SessionRecord): Promise<SessionRecord> {
    if (!(await isKeyTaken(this.#dependencies, record))) return record;
    const { id, key } = record;
    return this.newRecord({ ...upload, key: suggestKey(`${id}/${key}`) }, true, id); // a key that is too long is cut
  }

  /**
   * Gives the session another key if another process has taken its key since the first look. A process looks again
   * after its session was listed, so of two processes at least one sees the other. The caller does not know the key yet.
   */
  async #leaveTakenKey(upload: CreateUpload, row: SessionRow): Promise<SessionRow> {
    const free = await this.#withFreeKey(upload, row.value);
    if (free === row.value) return row;
    const record = upload.from === undefined ? free : { ...row.value, key: free.key };
    const change = this.#dependencies.rows.begin();
    change.unlistSession(row.value, uploadText);
    change.closeSession(row.value, uploadText);
    change.listSession(record);
    const next = change.session(row, record);
    return (await change.commit()) ? next : row; // if it fails, somebody found the session in a listing and ended it
  }
}
