import { ArtifactError } from "../model/errors.js";
import { type SessionRecord, type SessionRow, sessionIdIn, uploadPrefix } from "../model/records.js";
import { isUnfinished, statusAt } from "../model/upload-session.js";
import { rowsUnder } from "../ports/metadata-store.js";
import type { AppenderDependencies } from "./appender.js";

type Dependencies = Pick<AppenderDependencies, "rows" | "metadata" | "clock">;

const pageRows = 100;

/**
 * The session that the same request has created before; one that was aborted or has expired answers nobody any more.
 *
 * @throws ArtifactError `idempotency_conflict`
 */
export async function knownSession(dependencies: Dependencies, record: SessionRecord): Promise<string | undefined> {
  const { bucket, key, idempotency_key } = record;
  if (idempotency_key === undefined) return undefined;
  for await (const { value } of uploadsOf(dependencies, record)) {
    if (value.idempotency_key !== idempotency_key) continue;
    if (["aborted", "expired"].includes(statusAt(value, dependencies.clock.nowSeconds()))) continue;
    if (value.request === record.request) return value.id;
    const message = "This idempotency key belongs to another upload of the same key. No session was created.";
    throw new ArtifactError("idempotency_conflict", message, { next: "use_other_key", details: { bucket, key } });
  }
  return undefined;
}

/** Whether there is an artifact under the key of a session, or another upload that may make one. */
export async function isKeyTaken(dependencies: Dependencies, record: SessionRecord): Promise<boolean> {
  if ((await dependencies.rows.artifact(record.bucket, record.key)) !== undefined) return true;
  for await (const { value } of uploadsOf(dependencies, record)) {
    if (value.id !== record.id && isUnfinished(value) && statusAt(value, dependencies.clock.nowSeconds()) !== "expired")
      return true;
  }
  return false;
}

/** The sessions of a key that are listed. */
async function* uploadsOf(
  { rows, metadata }: Dependencies,
  { bucket, key }: SessionRecord,
): AsyncGenerator<SessionRow, void> {
  for await (const { key: index } of rowsUnder(metadata, uploadPrefix(bucket, key), pageRows)) {
    const row = await rows.session(sessionIdIn(index));
    if (row !== undefined) yield row;
  }
}
