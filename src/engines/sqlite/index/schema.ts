import { prefixUpperBound } from "../../../store/model/key-order.js";
import { artifactPrefix } from "../../../store/model/row-keys.js";
import { table } from "../database/keyv-rows.js";

/*
 * The tables of the index. Triggers keep the plain tables in step with the rows of artifacts, in the transaction that
 * changes a row. `index_words` and `index_facts` take too long for that: `index_pending` shows which ids are not in them
 * as they should be, and `feedIndex` brings many of these up to date at once.
 */

/** A statement that makes one object of the index. */
export interface IndexObject {
  readonly name: string;
  readonly sql: string;
}

const path = "$.value.versions";
/** A part of a row's JSON. NULL if the row has no such part, or is not JSON: no trigger may fail. */
const part = (of: string, read = "json_extract"): string =>
  `CASE WHEN json_valid(value) THEN ${read}(value, '${of}') END`;
const newest = (field: string): string => part(`${path}[0].${field}`);
const isCount = (column: string, least = 0): string =>
  `typeof(${column}) = 'integer' AND ${column} BETWEEN ${least} AND ${Number.MAX_SAFE_INTEGER}`;

/** Bytes of all versions. `total` never overflows, and the bytes of a single version are had without a loop. */
const allBytes = `CASE
    WHEN NOT json_valid(value) THEN NULL
    WHEN json_array_length(value, '${path}') = 1 THEN json_extract(value, '${path}[0].bytes')
    ELSE (
      SELECT CAST(total(CASE type WHEN 'object' THEN json_extract(each.value, '$.bytes') END) AS INTEGER)
      FROM json_each(${table}.value, '${path}') AS each
    )
  END`;

const isArtifact = (key: string): string =>
  `${key} >= '${artifactPrefix}' AND ${key} < '${prefixUpperBound(artifactPrefix)}'`;
/** The key of an artifact row after the first tab: bucket, tab, key. */
const names = `substr(key, ${artifactPrefix.length + 1})`;

/** The columns that follow from the artifact's row. */
export const indexColumns: readonly string[] =
  "row_key bucket version mime_type bytes all_bytes created_at expires_at metadata".split(" ");
const columns = indexColumns.join(", ");

/**
 * What the index has to contain: one row for the newest version of each key. Artifact rows that cannot be read are
 * left out.
 */
const rowsView = `CREATE VIEW index_rows AS
SELECT row_key, bucket, version, lower(trim(substr(mime_type, 1, instr(mime_type || ';', ';') - 1))) AS mime_type,
  bytes, all_bytes, created_at, expires_at, metadata
FROM (
  SELECT key AS row_key, substr(${names}, 1, instr(${names}, char(9)) - 1) AS bucket,
    ${newest("version")} AS version, ${newest("mime_type")} AS mime_type, ${newest("bytes")} AS bytes,
    ${allBytes} AS all_bytes, ${newest("created_at")} AS created_at, ${newest("expires_at")} AS expires_at,
    ${newest("metadata")} AS metadata, ${part(`${path}[0].metadata`, "json_type")} AS metadata_type
  FROM ${table} WHERE ${isArtifact("key")}
)
WHERE bucket <> '' AND ${isCount("version", 1)} AND typeof(mime_type) = 'text' AND ${isCount("bytes")}
  AND ${isCount("all_bytes")} AND ${isCount("created_at")} AND (expires_at IS NULL OR (${isCount("expires_at")}))
  AND metadata_type = 'object'`;

/** Tables and views, which are made first. */
export const indexTables: readonly IndexObject[] = [
  {
    name: "index_newest",
    sql: `CREATE TABLE index_newest(
  id INTEGER PRIMARY KEY, row_key TEXT NOT NULL, bucket TEXT NOT NULL, version INTEGER NOT NULL,
  mime_type TEXT NOT NULL, bytes INTEGER NOT NULL, all_bytes INTEGER NOT NULL, created_at INTEGER NOT NULL,
  expires_at INTEGER, metadata TEXT NOT NULL
)`,
  },
  {
    name: "index_buckets",
    // `bytes`: of the newest versions. `all_bytes`: of all versions.
    sql: `CREATE TABLE index_buckets(
  name TEXT PRIMARY KEY, artifacts INTEGER NOT NULL, bytes INTEGER NOT NULL, all_bytes INTEGER NOT NULL
) WITHOUT ROWID`,
  },
  // One row. A save does not write it, because each page more that a transaction writes makes its sync slower.
  // `fed`: the full-text tables have every id up to this one, without those in `index_edited`.
  // `removed`: the highest id that was removed. An id is never given again.
  { name: "index_marks", sql: "CREATE TABLE index_marks(fed INTEGER NOT NULL, removed INTEGER NOT NULL)" },
  { name: "index_edited", sql: "CREATE TABLE index_edited(id INTEGER PRIMARY KEY)" },
  {
    name: "index_pending",
    sql: `CREATE VIEW index_pending AS SELECT id FROM index_edited
  UNION ALL SELECT id FROM index_newest WHERE id > (SELECT fed FROM index_marks)`,
  },
  // Both keep no text, and no positions: a search looks at the artifact itself before it takes it.
  {
    name: "index_words",
    sql: "CREATE VIRTUAL TABLE index_words USING fts5(text, tokenize='trigram case_sensitive 1', content='', contentless_delete=1, detail=none)",
  },
  {
    name: "index_facts",
    sql: "CREATE VIRTUAL TABLE index_facts USING fts5(tokens, tokenize='ascii', content='', contentless_delete=1, detail=none)",
  },
  { name: "index_rows", sql: rowsView },
];

/** Fills the plain tables of an empty index. Parameter: the last id that was given before. */
export const fillNewest = `INSERT INTO index_newest(id, ${columns})
SELECT ? + row_number() OVER (ORDER BY created_at, row_key), ${columns} FROM index_rows`;
/** The sums of each bucket, as they follow from the other tables. */
export const bucketSums = `SELECT bucket, count(*) AS artifacts, CAST(total(bytes) AS INTEGER) AS bytes,
  CAST(total(all_bytes) AS INTEGER) AS all_bytes FROM index_newest GROUP BY bucket`;
export const fillBuckets = `INSERT INTO index_buckets ${bucketSums}`;

const addToBucket = `INSERT INTO index_buckets VALUES (NEW.bucket, 1, NEW.bytes, NEW.all_bytes)
    ON CONFLICT (name) DO UPDATE
    SET artifacts = artifacts + 1, bytes = bytes + excluded.bytes, all_bytes = all_bytes + excluded.all_bytes;`;
const takeFromBucket = `UPDATE index_buckets
  SET artifacts = artifacts - 1, bytes = bytes - OLD.bytes, all_bytes = all_bytes - OLD.all_bytes WHERE name = OLD.bucket;
  DELETE FROM index_buckets WHERE name = OLD.bucket AND artifacts <= 0;`;
const newId = "1 + max(coalesce((SELECT max(id) FROM index_newest), 0), (SELECT removed FROM index_marks))";
const insertNewest = `INSERT INTO index_newest(id, ${columns})
    SELECT ${newId}, ${columns} FROM index_rows WHERE row_key = NEW.key`;
const toBeFedAgain = "INSERT OR IGNORE INTO index_edited SELECT OLD.id WHERE OLD.id <= (SELECT fed FROM index_marks)";

/** Indexes and triggers, which are made after the tables were filled. */
export const indexRules: readonly IndexObject[] = [
  { name: "index_by_row", sql: "CREATE UNIQUE INDEX index_by_row ON index_newest(row_key)" },
  { name: "index_by_bucket", sql: "CREATE INDEX index_by_bucket ON index_newest(bucket, created_at)" },
  { name: "index_by_time", sql: "CREATE INDEX index_by_time ON index_newest(created_at)" },
  { name: "index_by_size", sql: "CREATE INDEX index_by_size ON index_newest(bytes)" },
  {
    name: "index_by_expiry",
    sql: "CREATE INDEX index_by_expiry ON index_newest(expires_at) WHERE expires_at IS NOT NULL",
  },
  trigger("index_artifact_added", `AFTER INSERT ON ${table} WHEN ${isArtifact("NEW.key")}`, [
    "DELETE FROM index_newest WHERE row_key = NEW.key", // a row that replaces another one is only added
    insertNewest,
  ]),
  trigger("index_artifact_changed", `AFTER UPDATE ON ${table} WHEN ${isArtifact("NEW.key")}`, [
    `UPDATE index_newest SET mime_type = found.mime_type, bytes = found.bytes, all_bytes = found.all_bytes,
    created_at = found.created_at, expires_at = found.expires_at, metadata = found.metadata
    FROM index_rows AS found
    WHERE found.row_key = NEW.key AND index_newest.row_key = NEW.key AND index_newest.version = found.version`,
    `DELETE FROM index_newest WHERE row_key = NEW.key
    AND version IS NOT (SELECT version FROM index_rows WHERE row_key = NEW.key)`,
    `${insertNewest} AND NOT EXISTS (SELECT 1 FROM index_newest WHERE row_key = NEW.key)`,
  ]),
  trigger("index_artifact_removed", `AFTER DELETE ON ${table} WHEN ${isArtifact("OLD.key")}`, [
    "DELETE FROM index_newest WHERE row_key = OLD.key",
  ]),
  trigger("index_newest_added", "AFTER INSERT ON index_newest", [addToBucket]),
  trigger(
    "index_newest_sized",
    "AFTER UPDATE OF bytes, all_bytes ON index_newest WHEN OLD.bytes <> NEW.bytes OR OLD.all_bytes <> NEW.all_bytes",
    [
      `UPDATE index_buckets
    SET bytes = bytes - OLD.bytes + NEW.bytes, all_bytes = all_bytes - OLD.all_bytes + NEW.all_bytes
    WHERE name = NEW.bucket`,
    ],
  ),
  trigger(
    "index_newest_described",
    "AFTER UPDATE ON index_newest WHEN OLD.metadata <> NEW.metadata OR OLD.mime_type <> NEW.mime_type",
    [toBeFedAgain],
  ),
  trigger("index_newest_removed", "AFTER DELETE ON index_newest", [
    takeFromBucket,
    toBeFedAgain,
    "UPDATE index_marks SET removed = OLD.id WHERE OLD.id > removed",
  ]),
];

export const indexObjects: readonly IndexObject[] = [...indexTables, ...indexRules];

function trigger(name: string, event: string, statements: readonly string[]): IndexObject {
  const body = statements.map((sql) => `  ${sql.replace(/;$/, "")};\n`).join("");
  return { name, sql: `CREATE TRIGGER ${name} ${event} BEGIN\n${body}END` };
}
