import { decodeCursor, encodeCursor, type Page, type PageOptions } from "../model/cursor.js";
import { ArtifactError } from "../model/errors.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import { type SessionRecord, type SessionRow, sessionIdIn, uploadPrefix } from "../model/records.js";
import { isUnfinished, statusAt } from "../model/upload-session.js";
import { rowsUnder } from "../ports/metadata-store.js";
import type { AppenderDependencies } from "./appender.js";

type Dependencies = Pick<AppenderDependencies, "rows" | "metadata" | "clock">;

export interface ListUploads extends PageOptions {
  readonly bucket?: string | undefined;
  /** Needs `bucket`. */
  readonly key?: string | undefined;
}

const pageRows = 100;

/** A page of the listed sessions, by bucket and key. @throws ArtifactError `invalid_argument` */
export async function listSessions(
  { rows, metadata }: Dependencies,
  { bucket, cursor, limit, ...filter }: ListUploads,
): Promise<Page<SessionRecord>> {
  const key = filter.key === undefined ? undefined : toKey(filter.key);
  checkFilter(bucket, key);
  const scope = ["uploads", bucket ?? "", key ?? ""];
  const after = decodeCursor(scope, cursor);
  const index = await metadata.range(uploadPrefix(bucket, key), { after, limit: limit + 1 });
  const page = index.slice(0, limit);
  const found = await rows.sessions(page.map(({ key }) => sessionIdIn(key)));
  const data = found.map(({ value }) => value);
  const last = page.at(-1)?.key;
  return index.length > limit && last !== undefined ? { data, next_cursor: encodeCursor(scope, last) } : { data };
}

/**
 * The id of the session that the same request has created before. A session that was aborted or has expired does not
 * count.
 *
 * @throws ArtifactError `idempotency_conflict`
 */
export async function sessionOfSameRequest(
  dependencies: Dependencies,
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
export async function isKeyTaken(dependencies: Dependencies, record: SessionRecord): Promise<boolean> {
  if ((await dependencies.rows.liveArtifact(record.bucket, record.key)) !== undefined) return true;
  for await (const { value } of sessionsOfKey(dependencies, record)) {
    if (value.id !== record.id && isUnfinished(value) && statusAt(value, dependencies.clock.nowSeconds()) !== "expired")
      return true;
  }
  return false;
}

/** The listed sessions of a key. */
async function* sessionsOfKey(
  { rows, metadata }: Dependencies,
  { bucket, key }: SessionRecord,
): AsyncGenerator<SessionRow, void> {
  for await (const { key: index } of rowsUnder(metadata, uploadPrefix(bucket, key), pageRows)) {
    const row = await rows.session(sessionIdIn(index));
    if (row !== undefined) yield row;
  }
}

/** @throws ArtifactError `invalid_argument` */
function checkFilter(bucket: string | undefined, key: string | undefined): void {
  if (bucket !== undefined) checkBucket(bucket);
  if (key !== undefined && bucket === undefined) {
    throw new ArtifactError("invalid_argument", "key needs bucket beside it.", { details: { argument: "key" } });
  }
}
