import { ArtifactError } from "../model/errors.js";
import type { SessionRecord } from "../model/records.js";
import { type Tail, tailOf, tailWindowBytes } from "../model/tail.js";
import {
  bytesOf,
  isUnfinished,
  type OpenSession,
  statusAt,
  toUploadSession,
  type UploadSession,
} from "../model/upload-session.js";
import { openPieces } from "../pieces/piece-reader.js";
import type { ContentStore } from "../ports/content-store.js";
import type { Log } from "../ports/log.js";
import type { TransferUrls } from "../ports/transfer-urls.js";
import { firstOf, type IndexDependencies, type SessionScope, unfinishedSessions } from "./unfinished-sessions.js";

export interface SessionAnswersDependencies extends IndexDependencies {
  readonly content: ContentStore;
  readonly urls: TransferUrls;
  readonly log: Log;
}

/** Other sessions that the answer of a creation names. */
const maxOpenSessions = 10;

/**
 * Makes answers and errors of what is known about sessions. What they tell besides, the tail and the other sessions of a
 * key, is left out if it cannot be read.
 */
export class SessionAnswers {
  readonly #dependencies: SessionAnswersDependencies;

  constructor(dependencies: SessionAnswersDependencies) {
    this.#dependencies = dependencies;
  }

  /** The session, without its tail: nothing is read. */
  show(record: SessionRecord): UploadSession {
    const { urls, clock } = this.#dependencies;
    return toUploadSession(record, urls, statusAt(record, clock.nowSeconds()));
  }

  /** The session with its tail. */
  async showWithTail(record: SessionRecord): Promise<UploadSession> {
    return { ...this.show(record), ...(await this.#tail(record)) };
  }

  /** A new session, with its tail and the other unfinished sessions of its key. */
  async showCreated(record: SessionRecord): Promise<UploadSession> {
    const open_sessions = await this.#othersOf(record);
    const session = await this.showWithTail(record);
    return open_sessions.length === 0 ? session : { ...session, open_sessions };
  }

  /** The error with the session's tail in its details, if it is an `offset_conflict`; otherwise the same error. */
  async withTail(id: string, error: unknown): Promise<unknown> {
    if (!(error instanceof ArtifactError) || error.code !== "offset_conflict") return error;
    const { code, message, next, details, cause } = error;
    const row = await this.#dependencies.rows.session(id).catch(() => undefined);
    // If other bytes were stored meanwhile, the tail would not be that of the error's offset.
    if (row === undefined || row.value.offset !== details["offset"]) return error;
    const tail = await this.#tail(row.value);
    return new ArtifactError(code, message, { next, details: { ...details, ...tail }, cause });
  }

  async #othersOf({ bucket, key, id }: SessionRecord): Promise<OpenSession[]> {
    try {
      const found = await firstOf(this.#othersThan(id, { bucket, key }), maxOpenSessions);
      return await Promise.all(found.map((record) => this.#outline(record)));
    } catch (error) {
      this.#dependencies.log("warn", "open_sessions_not_read", { session: id, error: String(error) });
      return [];
    }
  }

  async *#othersThan(id: string, scope: SessionScope): AsyncGenerator<SessionRecord, void> {
    for await (const { value } of unfinishedSessions(this.#dependencies, scope)) if (value.id !== id) yield value;
  }

  async #outline(record: SessionRecord): Promise<OpenSession> {
    const { id, offset, size, status, created_at } = record;
    return { id, offset, size, status, created_at, ...(await this.#tail(record)) };
  }

  /** Reads the last pieces alone. */
  async #tail(record: SessionRecord): Promise<Tail | undefined> {
    const { log, clock } = this.#dependencies;
    const { id, offset, pieces } = record;
    const isExpired = statusAt(record, clock.nowSeconds()) === "expired";
    if (!isUnfinished(record) || isExpired || offset === 0) return undefined;
    let first = pieces.length;
    while (first > 0 && bytesOf(pieces.slice(first)) < tailWindowBytes) first -= 1;
    const last = pieces.slice(first);
    const length = Math.min(tailWindowBytes, bytesOf(last));
    try {
      const reader = await openPieces(this.#dependencies, id, last);
      const end = await reader?.read(bytesOf(last) - length, length).finally(() => reader.close());
      if (end?.length === length) return tailOf(end, offset);
      log("debug", "tail_not_read", { session: id }); // another process may have just changed the session
    } catch (error) {
      log("warn", "tail_not_read", { session: id, error: String(error) });
    }
    return undefined;
  }
}
