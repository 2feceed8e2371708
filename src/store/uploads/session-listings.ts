import { decodeCursor, encodeCursor, type Page, type PageOptions } from "../model/cursor.js";
import { ArtifactError } from "../model/errors.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import { orderOf, type SessionRecord, sessionIdIn, uploadPrefix } from "../model/records.js";
import { firstOf, type IndexDependencies, unfinishedSessions } from "./unfinished-sessions.js";
import { sessionsOfKey } from "./upload-index.js";

export interface ListUploads extends PageOptions {
  readonly bucket?: string | undefined;
  /** Needs `bucket`. */
  readonly key?: string | undefined;
  /** Lists also sessions that have ended, until their rows go. */
  readonly all?: boolean | undefined;
}

/** The filter of a listing after it was checked. */
interface Filter {
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly after: string | undefined;
  readonly limit: number;
}
type Listing = (dependencies: IndexDependencies, filter: Filter) => Promise<Listed>;

/** Entries after the place `after`, and the place of each. One more than `limit` if there is a next page. */
type Listed = readonly (readonly [place: string, SessionRecord | undefined])[];

/**
 * A page of the listed sessions: the unfinished ones, newest first. With `all` also those that have ended: newest first
 * if a key is given, otherwise by bucket and key.
 *
 * @throws ArtifactError `invalid_argument`
 */
export async function listSessions(
  dependencies: IndexDependencies,
  { bucket, cursor, limit, all, ...filter }: ListUploads,
): Promise<Page<SessionRecord>> {
  const key = filter.key === undefined ? undefined : toKey(filter.key);
  checkFilter(bucket, key);
  const scope = [all ? "uploads" : "unfinished uploads", bucket ?? "", key ?? ""];
  const after = decodeCursor(scope, cursor);
  const listing = !all ? listUnfinished : key === undefined ? listByKey : listNewestOfKey;
  const found = await listing(dependencies, { bucket, key, after, limit });
  const page = found.slice(0, limit);
  const data = page.flatMap(([, record]) => record ?? []);
  const last = page.at(-1)?.[0];
  return found.length > limit && last !== undefined ? { data, next_cursor: encodeCursor(scope, last) } : { data };
}

const listUnfinished: Listing = async (dependencies, { limit, ...scope }) => {
  const rows = await firstOf(unfinishedSessions(dependencies, scope), limit + 1);
  return rows.map(({ value }) => [orderOf(value), value]);
};

/** Reads all sessions of the key, because their index is in no order of time. */
const listNewestOfKey: Listing = async (dependencies, { bucket = "", key = "", after = "", limit }) => {
  const found: [string, SessionRecord][] = [];
  for await (const { value } of sessionsOfKey(dependencies, { bucket, key })) {
    const place = orderOf(value);
    if (place > after) found.push([place, value]);
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, limit + 1);
};

const listByKey: Listing = async ({ rows, metadata }, { bucket, key, after, limit }) => {
  const index = await metadata.range(uploadPrefix(bucket, key), { after, limit: limit + 1 });
  const found = await rows.sessions(index.slice(0, limit).map(({ key }) => sessionIdIn(key)));
  const byId = new Map(found.map(({ value }) => [value.id, value]));
  return index.map(({ key }) => [key, byId.get(sessionIdIn(key))]);
};

/** @throws ArtifactError `invalid_argument` */
function checkFilter(bucket: string | undefined, key: string | undefined): void {
  if (bucket !== undefined) checkBucket(bucket);
  if (key !== undefined && bucket === undefined) {
    throw new ArtifactError("invalid_argument", "key needs bucket beside it.", { details: { argument: "key" } });
  }
}
