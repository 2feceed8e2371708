import { ArtifactError } from "../model/errors.js";
import { type SessionRecord, type SessionRow, sessionIdIn, uploadPrefix } from "../model/records.js";
import { statusAt } from "../model/upload-session.js";
import { rowsUnder } from "../ports/metadata-store.js";
import { type IndexDependencies, unfinishedSessions } from "./unfinished-sessions.js";

const pageRows = 100;

/**
 * The id of the session that the same request has created before. A session that was aborted or has expired does not
 * count.
 *
 * @throws ArtifactError `idempotency_conflict`
 */
export async function sessionOfSameRequest(
  dependencies: IndexDependencies,
  record: SessionRecord,
): Promise<string | undefined> {
  const { bucket, key, idempotency_key } = record;
  if (idempotency_key === undefined) return undefined;
  for await (const { value } of sessionsOfKey(dependencies, record)) {
    if (value.idempotency_key !== idempotency_key) continue;
    if (["aborted", "expired"].includes(statusAt(value, dependencies.clock.nowSeconds()))) continue;
    if (value.request === record.request) return value.id;
    const message = "This idempotency key belongs to another upload of the same key. No session was created.";
    throw new ArtifactError("idempotency_conflict", message, { next: "use_other_key", details: { bucket, key } });
  }
  return undefined;
}

/** Whether the key of a session has an artifact, or another upload that may create one. */
export async function isKeyTaken(
  dependencies: IndexDependencies,
  { bucket, key, id }: SessionRecord,
): Promise<boolean> {
  for await (const { value } of unfinishedSessions(dependencies, { bucket, key })) if (value.id !== id) return true;
  // After the sessions: one that was published meanwhile has its artifact now.
  return (await dependencies.rows.liveArtifact(bucket, key)) !== undefined;
}

/** The listed sessions of a key, finished ones too, in no particular order. */
export async function* sessionsOfKey(
  { rows, metadata }: IndexDependencies,
  { bucket, key }: Pick<SessionRecord, "bucket" | "key">,
): AsyncGenerator<SessionRow, void> {
  for await (const { key: index } of rowsUnder(metadata, uploadPrefix(bucket, key), pageRows)) {
    const row = await rows.session(sessionIdIn(index));
    if (row !== undefined) yield row;
  }
}
