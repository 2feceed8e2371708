import { sha256Of } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { isBucket } from "../model/names/bucket-name.js";
import {
  type ArtifactRow,
  bucketIn,
  bucketPrefix,
  changedKey,
  clockKey,
  duePrefix,
  freedPrefix,
  goneKey,
  gonePrefix,
  openKey,
  openPrefix,
  parseArtifactRow,
  parseBucketRow,
  parseClockRow,
  parseDueRow,
  parseFreedRow,
  parseGoneRow,
  parseRestoreRow,
  parseSessionRow,
  parseStoreRow,
  restoreKey,
  type SessionRow,
  sessionKey,
  sessionPrefix,
  storeKey,
  uploadKey,
  uploadPrefix,
  uploadText,
} from "../model/records.js";
import { artifactKey, artifactPrefix, partsOf } from "../model/row-keys.js";
import { isUnfinished } from "../model/upload-session.js";
import type { ContentStore } from "../ports/content-store.js";
import { type MetadataStore, rowsUnder, type StoredRow } from "../ports/metadata-store.js";
import type { UnnamedContent } from "./unnamed-content.js";
import type { VerifyFindings } from "./verify-findings.js";
import type { VerifyOptions } from "./verify-report.js";

export interface RowCheckDependencies {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
}

const pageRows = 500;

/** Checks that every row can be read and agrees with its key and with the other rows. Notes which content they name. */
export class RowCheck {
  readonly #dependencies: RowCheckDependencies;
  readonly #options: VerifyOptions;
  readonly #findings: VerifyFindings;
  readonly #unnamed: UnnamedContent;
  /** The sessions that brought the content of a version. Each did so for one key only. */
  readonly #owners = new Set<string>();

  constructor(
    dependencies: RowCheckDependencies,
    options: VerifyOptions,
    findings: VerifyFindings,
    unnamed: UnnamedContent,
  ) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#findings = findings;
    this.#unnamed = unnamed;
  }

  /** Checks the database itself. */
  async checkDatabase(): Promise<void> {
    for (const line of await this.#dependencies.metadata.checkIntegrity()) {
      this.#findings.knowsOwners = false;
      const message = `The metadata database is damaged (${line}).`;
      const path = "metadata.sqlite";
      this.#findings.faults.push({ kind: "corrupt", path, message, next: "restore_database", repaired: false });
    }
  }

  /** Checks all rows. Those of sessions and freed pieces come first: a publication meanwhile moves pieces to later rows. */
  async checkRows(): Promise<void> {
    const first = [sessionPrefix, freedPrefix];
    for (const prefix of [...first, ""]) {
      for await (const row of rowsUnder(this.#dependencies.metadata, prefix, pageRows)) {
        if (prefix === "" && first.some((done) => row.key.startsWith(done))) continue;
        await this.#readRow(row);
      }
    }
  }

  async #readRow(row: StoredRow): Promise<void> {
    try {
      await this.#row(row);
    } catch (error) {
      if (!(error instanceof ArtifactError) || error.code !== "corrupt") throw error;
      await this.#unreadable(row);
    }
  }

  async #row(row: StoredRow): Promise<void> {
    const { key } = row;
    if (key.startsWith(artifactPrefix)) this.#artifact(parseArtifactRow(row), row);
    else if (key.startsWith(sessionPrefix)) await this.#session(parseSessionRow(row), row);
    else if (key.startsWith(freedPrefix)) {
      for (const { session, name } of parseFreedRow(row).value.pieces) this.#unnamed.nameFile(session, name);
    } else if (key.startsWith(gonePrefix)) await this.#gone(row);
    else if (key.startsWith(duePrefix)) parseDueRow(row);
    else if (key.startsWith(bucketPrefix)) checkBucketRow(row);
    else if (key === clockKey) parseClockRow(row);
    else if (key === storeKey) parseStoreRow(row);
    else if (key === restoreKey) parseRestoreRow(row);
    else if (!isIndexRow(key) && key !== changedKey) throw unsound(key);
  }

  /** A key has an artifact row or a gone row, never both. */
  async #gone(row: StoredRow): Promise<void> {
    parseGoneRow(row);
    const [, bucket = "", key = ""] = partsOf(row.key);
    const { metadata } = this.#dependencies;
    const [artifact, again] = await metadata.getMany([artifactKey(bucket, key), goneKey(bucket, key)]);
    if (artifact !== undefined && again !== undefined) throw unsound(row.key);
  }

  #artifact({ value: { bucket, key, last, versions } }: ArtifactRow, row: StoredRow): void {
    const numbers = versions.map(({ version }) => version);
    const isInOrder = numbers.every((number, n) => number < (numbers[n - 1] ?? last + 1));
    if (artifactKey(bucket, key) !== row.key || !isInOrder) throw unsound(row.key);
    if (versions.some(({ session }) => this.#owners.has(session))) throw unsound(row.key);
    const names = versions.flatMap(({ session, pieces }) => pieces.map(({ name }) => `${session}/${name}`));
    if (new Set(names).size < names.length) throw unsound(row.key);
    this.#findings.counts.artifacts += 1;
    for (const { session, bytes, pieces } of versions) {
      this.#owners.add(session);
      this.#unnamed.namePieces(session, pieces);
      this.#findings.totalBytes += bytes;
    }
  }

  async #session(found: SessionRow, row: StoredRow): Promise<void> {
    const { id, bucket, key, is_listed, pieces } = found.value;
    if (sessionKey(id) !== row.key) throw unsound(row.key);
    // The sweep removes the other files of a session before the session's row goes, so they are no orphans.
    this.#unnamed.nameAllFiles(id);
    this.#unnamed.namePieces(id, pieces);
    if (isUnfinished(found.value) && is_listed) this.#findings.counts.unfinished_uploads += 1;
    if (!is_listed) return;
    for (const index of [uploadKey(bucket, key, id), ...(isUnfinished(found.value) ? [openKey(found.value)] : [])]) {
      await this.#indexed(found, index);
    }
  }

  /** @param index the key of an index row that the session must have */
  async #indexed({ key: sessionRow, text, value }: SessionRow, index: string): Promise<void> {
    const { metadata } = this.#dependencies;
    const [found, again] = await metadata.getMany([index, sessionRow]);
    if (found !== undefined || again !== text) return; // a session that has changed is checked by the next verification
    const rows = [
      { key: sessionRow, old: text, next: text },
      { key: index, old: undefined, next: uploadText },
    ];
    const repaired = this.#options.repair === true && (await metadata.change(rows));
    const message = "A listing does not show this upload: its index row is gone.";
    const names = { bucket: value.bucket, key: value.key, session_id: value.id, row: index };
    this.#findings.faults.push({ kind: "unlisted", ...names, message, next: "repair", repaired });
  }

  /** Reports a row that cannot be read. Repair keeps its text beside the orphans, so nothing is lost with the row. */
  async #unreadable({ key, text }: StoredRow): Promise<void> {
    const { metadata, content } = this.#dependencies;
    if ((await metadata.get(key)) !== text) return; // the row has changed, so the next verification checks it
    this.#findings.knowsOwners = false;
    let repaired = false;
    if (this.#options.repair === true) {
      const name = key.replaceAll(/[^\w.-]/g, "_").slice(0, 100);
      await content.keepAside(`${name}-${sha256Of(key).slice(0, 16)}.row`, text);
      repaired = await metadata.change([{ key, old: text, next: undefined }]);
    }
    const [, bucket, name] = key.startsWith(artifactPrefix) ? partsOf(key) : [];
    const names = { ...(bucket ? { bucket } : {}), ...(name ? { key: name } : {}) };
    const message = "This metadata row cannot be read.";
    this.#findings.faults.push({ kind: "corrupt", ...names, row: key, message, next: "restore_row", repaired });
  }
}

/** @throws ArtifactError `corrupt` */
function checkBucketRow(row: StoredRow): void {
  parseBucketRow(row);
  if (!isBucket(bucketIn(row.key))) throw unsound(row.key);
}

/** Nothing depends on the index row of a session that is gone: listings pass over it. */
function isIndexRow(key: string): boolean {
  return key.startsWith(uploadPrefix()) || key.startsWith(openPrefix());
}

function unsound(row: string): ArtifactError {
  const message = `The metadata row ${row.replaceAll("\t", " ")} contradicts itself or another row.`;
  return new ArtifactError("corrupt", message, { next: "restore_backup", details: { row } });
}
