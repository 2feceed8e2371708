import { forEachOf } from "../for-each-of.js";
import { sha256Pattern } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { type ArtifactRow, hasVersion, type SessionRow, sessionKey, type Version } from "../model/records.js";
import type { BackupFiles } from "../ports/backup-files.js";
import type { StoredRow } from "../ports/metadata-store.js";
import { BackupContents, type BackupContentsDependencies, type BackupContentsOptions } from "./backup-contents.js";
import { contentFolder, isRecordsName, recordsName, spoolName } from "./backup-layout.js";
import type { BackupManifest, LeftOut } from "./backup-manifest.js";
import { artifactRecord, type BackupRecord, goneRecord, readRow, uploadRecord } from "./backup-records.js";
import { checkRecords, contentsOf } from "./check-backup.js";
import { UnreadableContent } from "./copy-content.js";
import { countRecord, noCounts } from "./count-record.js";
import { DigestSet } from "./digest-set.js";
import { type FormerRecords, formerRecords, placeOf, recordInPlaceOf } from "./former-records.js";
import { LeftOutList } from "./left-out-list.js";
import { LineWriter } from "./line-file.js";
import { rowsInSpool } from "./row-spool.js";

/** Contents that are copied at once. */
const width = 8;

/** One backup, from the spool of its rows. */
export class BackupRun {
  readonly contents: BackupContents;
  readonly #dependencies: BackupContentsDependencies;
  readonly #files: BackupFiles;
  readonly #dropped = new LeftOutList();
  readonly #damaged = new LeftOutList();
  /** Keys of rows that cannot be read. */
  readonly #unreadable = new Set<string>();
  #former: FormerRecords = new Map();
  /** Keys of rows that the backup before had not got either, but for the number of their key. */
  readonly #lostBefore = new Set<string>();
  /** Whether the backup lacks something that is damaged in the store. A former backup may have it. */
  #isAnyLost = false;

  constructor(dependencies: BackupContentsDependencies, files: BackupFiles, options: BackupContentsOptions) {
    this.#dependencies = dependencies;
    this.#files = files;
    this.contents = new BackupContents(dependencies, files, options);
  }

  async copyContents(): Promise<void> {
    for await (const rows of rowsInSpool(this.#files)) await forEachOf(rows, width, (row) => this.#copyRow(row));
    await this.contents.searchLost();
  }

  /** Looks what the backup before has of what is damaged in the store. @param before its manifest */
  async findFormer(before: BackupManifest | undefined): Promise<void> {
    const places = new Set([...this.#unreadable].map(placeOf));
    for (const [id, found] of this.contents.uploads) if (found instanceof UnreadableContent) places.add(sessionKey(id));
    this.#former = await formerRecords(this.#files, before, places);
    if (before === undefined || places.size === 0) return;
    this.#isAnyLost = lacksDamaged(before);
    for (const { row, kept } of before.damaged) if (row !== undefined && !kept) this.#lostBefore.add(row);
  }

  /** Writes the records of what the backup has, and lists what it has not. */
  async writeRecords(): Promise<Omit<BackupManifest, "format" | "store" | "created_at">> {
    const counts = noCounts();
    const writer = await LineWriter.create(this.#files);
    try {
      for await (const rows of rowsInSpool(this.#files)) {
        for (const row of rows) {
          const record = await this.#recordOf(row);
          if (record === undefined) continue;
          countRecord(counts, record);
          await writer.add(JSON.stringify(record));
        }
      }
      const records = await writer.commit(recordsName);
      const { there, totals } = this.contents;
      const [dropped, damaged] = [this.#dropped, this.#damaged];
      const leftOut = {
        dropped: dropped.named,
        damaged: damaged.named,
        more: { dropped: dropped.more, damaged: damaged.more },
      };
      return { records, counts: { ...counts, contents: there.size }, bytes: totals.bytes, ...leftOut };
    } finally {
      await writer.discard();
    }
  }

  /**
   * Removes what a backup that did not end has left: content that neither the backup before names nor this one needs. On
   * a full disk this may be all the room there is.
   *
   * @param before the manifest of the backup before
   */
  async removeLeftovers(before: BackupManifest | undefined): Promise<void> {
    const isAnyBefore = (await this.#files.list("")).some(
      (name) => isRecordsName(name) && name !== before?.records.name,
    );
    if (lacksDamaged(before) && isAnyBefore) return; // they may have what is damaged
    const needed = new DigestSet();
    const add = (contents: readonly { readonly sha256: string }[]): void => {
      for (const { sha256 } of contents) needed.add(sha256);
    };
    try {
      if (before !== undefined) await checkRecords(this.#files, before, async (record) => add(contentsOf(record)));
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "corrupt") return; // nothing says what it needs
      throw error;
    }
    for await (const rows of rowsInSpool(this.#files)) {
      for (const row of rows) {
        const found = readRow(row);
        if (found.kind === "artifact") add(found.row.value.versions);
      }
    }
    for (const name of await this.#contentsBeside(needed)) await this.#files.remove(name);
  }

  /**
   * Removes the content and the records that the new backup does not name; none, if the backup lacks something that is
   * damaged in the store. Returns how many files these were.
   */
  async removeOthers({ records }: BackupManifest): Promise<number> {
    const others: string[] = [];
    if (!this.#isAnyLost) {
      const names = await this.#files.list("");
      others.push(...names.filter((name) => isRecordsName(name) && name !== records.name));
      others.push(...(await this.#contentsBeside(this.contents.there)));
    }
    for (const name of [...others, spoolName]) await this.#files.remove(name);
    await this.#files.sync();
    return others.length;
  }

  /** The names of content that is not in a set. */
  async #contentsBeside(digests: DigestSet): Promise<string[]> {
    const names: string[] = [];
    for (const folder of await this.#files.list(contentFolder)) {
      for (const name of await this.#files.list(`${contentFolder}/${folder}`)) {
        if (sha256Pattern.test(name) && !digests.has(name)) names.push(`${contentFolder}/${folder}/${name}`);
      }
    }
    return names;
  }

  async #copyRow(row: StoredRow): Promise<void> {
    const found = readRow(row);
    if (found.kind === "artifact") for (const version of found.row.value.versions) await this.contents.version(version);
    if (found.kind === "upload") await this.contents.upload(found.row);
    if (found.kind === "unreadable") this.#unreadable.add(row.key);
  }

  async #recordOf(row: StoredRow): Promise<BackupRecord | undefined> {
    const found = readRow(row);
    switch (found.kind) {
      case "plain":
        return found.record;
      case "artifact":
        return this.#artifact(found.row);
      case "upload":
        return this.#upload(found.row);
      case "unreadable":
        return this.#inPlaceOf(row, { row: row.key, problem: "cannot be read" });
      case "other":
        return undefined;
    }
  }

  async #artifact(row: ArtifactRow): Promise<BackupRecord> {
    const { bucket, key, versions } = row.value;
    const isLost = ({ sha256 }: Version): boolean => this.contents.lost.has(sha256);
    for (const found of versions.filter(isLost)) {
      const { version, sha256 } = found;
      if (await this.#isStillThere(row, found)) {
        this.#noteLost({ bucket, key, version, problem: `the content ${this.contents.lost.get(sha256)?.message}` });
      } else this.#dropped.add({ bucket, key, version });
    }
    return artifactRecord(row, (version) => !isLost(version));
  }

  async #upload(row: SessionRow): Promise<BackupRecord | undefined> {
    const { id, bucket, key } = row.value;
    const sha256 = this.contents.uploads.get(id) ?? null;
    if (!(sha256 instanceof UnreadableContent)) return uploadRecord(row, sha256);
    const named = { bucket, key, session_id: id };
    if ((await this.#dependencies.metadata.get(row.key)) === row.text) {
      return this.#inPlaceOf(row, { ...named, problem: `the content ${sha256.message}` });
    }
    this.#dropped.add(named);
    return undefined;
  }

  /** What the backup before has of a row, in place of what is damaged. */
  async #inPlaceOf(row: StoredRow, damaged: LeftOut): Promise<BackupRecord | undefined> {
    const former = this.#former.get(placeOf(row.key));
    const kept = former && (await this.#withContent(former));
    if (kept === undefined || this.#lostBefore.has(row.key)) this.#noteLost(damaged);
    else this.#damaged.add({ ...damaged, kept: true });
    return recordInPlaceOf(row, kept);
  }

  /** A record of the backup before, as far as its content is still in the backup. Undefined if nothing of it is. */
  async #withContent(former: BackupRecord): Promise<BackupRecord | undefined> {
    const problem = "is damaged in the store, and its content in the backup too";
    if (former.kind === "upload") return (await this.#keepsAll(former)) ? former : undefined;
    if (former.kind !== "artifact") return former;
    const { bucket, key, last } = former;
    const versions: typeof former.versions = [];
    for (const version of former.versions) {
      if (await this.contents.keep(version)) versions.push(version);
      else this.#noteLost({ bucket, key, version: version.version, problem });
    }
    return versions.length === 0 ? goneRecord({ bucket, key, last }) : { ...former, versions };
  }

  async #keepsAll(record: BackupRecord): Promise<boolean> {
    for (const content of contentsOf(record)) if (!(await this.contents.keep(content))) return false;
    return true;
  }

  /** Notes that the backup has not got something that is damaged in the store. */
  #noteLost(damaged: LeftOut): void {
    this.#isAnyLost = true;
    this.#damaged.add(damaged);
  }

  /** Whether the store still has a version. If its row cannot be read now, it counts as there. */
  async #isStillThere({ value: { bucket, key } }: ArtifactRow, version: Version): Promise<boolean> {
    try {
      return hasVersion(await this.#dependencies.rows.artifact(bucket, key), version);
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "corrupt") return true;
      throw error;
    }
  }
}

/** Whether a backup has not got something that was damaged in the store. Then a backup before it may have it. */
function lacksDamaged(manifest: BackupManifest | undefined): boolean {
  return manifest === undefined || manifest.more.damaged > 0 || manifest.damaged.some(({ kept }) => kept !== true);
}
