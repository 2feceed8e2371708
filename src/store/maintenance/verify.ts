import { sha256Of } from "./artifact.js";
import type { BlobStore, ByteReader, StoredFile } from "./blob-store.js";
import type { Digests } from "./digests.js";
import { ArtifactError } from "./errors.js";
import { copyBlockBytes, sweepGraceMs } from "./limits.js";
import { type MetadataStore, rowsUnder, type StoredRow } from "./metadata-store.js";
import { type ReadInto, readAhead } from "./read-ahead.js";
import {
  type ArtifactRow,
  artifactKey,
  artifactPrefix,
  changedKey,
  freedKey,
  freedPrefix,
  parseArtifactRow,
  parseFreedRow,
  parseSessionRow,
  type Rows,
  type SessionRow,
  sessionKey,
  sessionPrefix,
  uploadKey,
  uploadPrefix,
  uploadText,
  type Version,
  versionOf,
} from "./rows.js";
import { isUnfinished } from "./upload-session.js";

/**
 * What is wrong: `corrupt`, bytes or a row that are not what they were; `missing`, bytes that a row names and that are
 * gone; `orphan`, a file that nothing has named for a while; `unlisted`, an upload that no listing shows.
 */
export type FaultKind = "corrupt" | "missing" | "orphan" | "unlisted";

export interface Fault {
  readonly kind: FaultKind;
  readonly bucket?: string;
  readonly key?: string;
  readonly version?: number;
  readonly session_id?: string;
  /** The metadata row that is wrong. */
  readonly row?: string;
  /** The file that is wrong, from the data directory. */
  readonly path?: string;
  /** What it is, and what to do about it. */
  readonly message: string;
  /** Put right by this run. */
  readonly repaired: boolean;
}

/** How many of each were looked at, and how many bytes were read. */
export interface VerifyReport {
  readonly artifacts: number;
  readonly versions: number;
  readonly bytes: number;
  readonly unfinished_uploads: number;
  readonly faults: readonly Fault[];
}

export interface VerifyOptions {
  /**
   * Moves orphans, and rows that cannot be read, out of the store into its folder `orphans`, and lists unlisted
   * uploads again. What is missing or corrupt stays as it is: nothing that a row names is removed.
   */
  readonly repair?: boolean;
  readonly graceMs?: number;
  /** Bytes read of those that the rows name. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface VerifyDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly digests: Digests;
  readonly nowSeconds: () => number;
}

interface Expected {
  readonly bytes: number;
  readonly sha256: string | undefined;
  /** The file has no more than those bytes. */
  readonly isWhole?: boolean;
}

const pageRows = 500;

/**
 * Checks every row against every file, while others go on working: what looks wrong is looked at again before it is
 * called so. Unfinished work, and what is left of it for the sweep, is no fault.
 */
export async function verify(dependencies: VerifyDependencies, options: VerifyOptions = {}): Promise<VerifyReport> {
  const check = new Verification(dependencies, options);
  await check.integrity();
  await check.rows();
  await check.contents();
  await check.files();
  return check.report;
}

class Verification {
  readonly #dependencies: VerifyDependencies;
  readonly #options: VerifyOptions;
  /** The sessions whose blobs a version owns. */
  readonly #owners = new Set<string>();
  readonly #faults: Fault[] = [];
  readonly #counts = { artifacts: 0, versions: 0, bytes: 0, unfinished_uploads: 0 };
  /** Unix seconds: what came to be later is young, however long this takes. */
  readonly #began: number;
  #total = 0;
  /** Whether all rows could be read: else what looks like an orphan may have an owner. */
  #knowsOwners = true;

  constructor(dependencies: VerifyDependencies, options: VerifyOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#began = dependencies.nowSeconds();
  }

  get report(): VerifyReport {
    return { ...this.#counts, faults: this.#faults };
  }

  async integrity(): Promise<void> {
    for (const line of await this.#dependencies.metadata.checkIntegrity()) {
      this.#knowsOwners = false;
      const message = `The metadata database is damaged (${line}): restore metadata.sqlite from a backup.`;
      this.#faults.push({ kind: "corrupt", path: "metadata.sqlite", message, repaired: false });
    }
  }

  /** Every row reads, and says of itself what its key says. */
  async rows(): Promise<void> {
    for await (const row of rowsUnder(this.#dependencies.metadata, "", pageRows)) {
      try {
        await this.#row(row);
      } catch (error) {
        if (!(error instanceof ArtifactError) || error.code !== "corrupt") throw error;
        await this.#unreadable(row);
      }
    }
  }

  async #row(row: StoredRow): Promise<void> {
    if (row.key.startsWith(artifactPrefix)) this.#artifact(parseArtifactRow(row), row);
    else if (row.key.startsWith(sessionPrefix)) await this.#session(parseSessionRow(row), row);
    else if (row.key.startsWith(freedPrefix)) parseFreedRow(row);
    else if (!row.key.startsWith(uploadPrefix()) && row.key !== changedKey) throw unsound(row.key);
  }

  #artifact({ value: { bucket, key, last, versions } }: ArtifactRow, row: StoredRow): void {
    const numbers = versions.map(({ version }) => version);
    const isInOrder = numbers.every((number, n) => number < (numbers[n - 1] ?? last + 1));
    if (artifactKey(bucket, key) !== row.key || !isInOrder) throw unsound(row.key);
    if (versions.some(({ session }) => this.#owners.has(session))) throw unsound(row.key);
    this.#counts.artifacts += 1;
    for (const { session, bytes } of versions) {
      this.#owners.add(session);
      this.#total += bytes;
    }
  }

  async #session(found: SessionRow, row: StoredRow): Promise<void> {
    const { id, bucket, key, origin } = found.value;
    if (sessionKey(id) !== row.key) throw unsound(row.key);
    if (isUnfinished(found.value) && origin === "upload") this.#counts.unfinished_uploads += 1;
    const index = uploadKey(bucket, key, id);
    const { metadata } = this.#dependencies;
    if (origin === "save" || (await metadata.get(index)) !== undefined) return;
    const again = await metadata.get(row.key);
    if (again !== row.text) return; // it has moved on, and is the next check's
    const repaired =
      this.#options.repair === true &&
      (await metadata.replace(index, undefined, uploadText, { key: row.key, text: again }));
    const message = "No listing shows this upload: its index row is gone. --repair writes it again.";
    this.#faults.push({ kind: "unlisted", bucket, key, session_id: id, row: index, message, repaired });
  }

  /** The text is kept beside the orphans, so nothing is lost with the row. */
  async #unreadable({ key, text }: StoredRow): Promise<void> {
    const { metadata, blobs } = this.#dependencies;
    if ((await metadata.get(key)) !== text) return; // written anew meanwhile, and the next check's
    this.#knowsOwners = false;
    let repaired = false;
    if (this.#options.repair === true) {
      await blobs.keepAside(`${key.replaceAll(/[^\w.-]/g, "_").slice(0, 100)}-${sha256Of(key).slice(0, 16)}.row`, text);
      repaired = await metadata.replace(key, text, undefined);
    }
    const [, bucket, name] = key.startsWith(artifactPrefix) ? key.split(":") : [];
    const names = { ...(bucket ? { bucket } : {}), ...(name ? { key: name } : {}) };
    const message =
      "This metadata row cannot be read. Restore it from a backup; --repair moves it into the folder orphans, and what it named with the run after.";
    this.#faults.push({ kind: "corrupt", ...names, row: key, message, repaired });
  }

  /** Every byte that a row names is there, and is what it was. */
  async contents(): Promise<void> {
    this.#progress(0);
    for await (const row of rowsUnder(this.#dependencies.metadata, artifactPrefix, pageRows)) {
      const found = this.#readable(row, parseArtifactRow);
      if (found === undefined) continue;
      for (const version of found.value.versions) await this.#version(found, version);
    }
    for await (const row of rowsUnder(this.#dependencies.metadata, sessionPrefix, pageRows)) {
      const found = this.#readable(row, parseSessionRow);
      if (found !== undefined && isUnfinished(found.value)) await this.#staged(found);
    }
  }

  #readable<Row>(row: StoredRow, parse: (row: StoredRow) => Row): Row | undefined {
    try {
      return parse(row);
    } catch {
      return undefined; // reported with the rows
    }
  }

  async #version({ value: { bucket, key } }: ArtifactRow, { version, session, bytes, sha256 }: Version): Promise<void> {
    const { rows, blobs } = this.#dependencies;
    this.#counts.versions += 1;
    const fault = await this.#content(() => blobs.openBlob(session), { bytes, sha256, isWhole: true });
    if (fault === undefined || versionOf(await rows.artifact(bucket, key), session) === undefined) return;
    const path = blobPath(session);
    const message = `The content ${fault.what}. Restore ${path} from a backup, or delete this version with delete_artifact.`;
    this.#faults.push({ kind: fault.kind, bucket, key, version, path, message, repaired: false });
  }

  async #staged(row: SessionRow): Promise<void> {
    const { rows, blobs } = this.#dependencies;
    const { id, bucket, key, segments, sealed } = row.value;
    for (const { name, bytes } of segments) {
      const fault = await this.#content(() => blobs.openSegment(id, name), { bytes, sha256: sealed?.sha256 });
      if (fault === undefined) continue;
      const published = versionOf(await rows.artifact(bucket, key), id);
      if (published !== undefined || (await rows.session(id))?.text !== row.text) return; // it has moved on
      const path = `uploads/${id}/${name}`;
      const message = `Bytes of this unfinished upload: the file ${fault.what}. Abort it with abort_upload_session and upload again.`;
      this.#faults.push({ kind: fault.kind, bucket, key, session_id: id, path, message, repaired: false });
    }
  }

  /** What is wrong with a file, if anything. */
  async #content(
    open: () => Promise<ByteReader | undefined>,
    expected: Expected,
  ): Promise<{ kind: FaultKind; what: string } | undefined> {
    try {
      const reader = await open();
      if (reader === undefined) return { kind: "missing", what: "is gone" };
      const what = await this.#compare(reader, expected).finally(() => reader.close());
      return what === undefined ? undefined : { kind: "corrupt", what };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      return { kind: "corrupt", what: `cannot be read (${cause})` };
    }
  }

  async #compare(reader: ByteReader, { bytes, sha256, isWhole }: Expected): Promise<string | undefined> {
    const digest = await this.#dependencies.digests.begin(bytes);
    try {
      let done = 0;
      const read: ReadInto = (start, length, into) => reader.read(start, length, into);
      for await (const block of readAhead(read, { start: 0, end: bytes, blockBytes: copyBlockBytes })) {
        await digest.update(block);
        done += block.length;
        this.#progress(block.length);
      }
      if (done < bytes) return `ends after ${done} of ${bytes} bytes`;
      if (isWhole && (await reader.read(bytes, 1)).length > 0) return `goes on past its ${bytes} bytes`;
      const isSame = sha256 === undefined || (await digest.hex()) === sha256;
      return isSame ? undefined : "is not what was saved: its SHA-256 differs";
    } finally {
      digest.close();
    }
  }

  /** Every file has its owner, or is young. */
  async files(): Promise<void> {
    const { blobs } = this.#dependencies;
    for (const shelf of await blobs.shelves()) {
      for (const file of await blobs.shelvedBlobs(shelf)) {
        const isBlob = file.path === blobPath(file.name);
        if (!(isBlob && (await this.#isOwned(file.name)))) await this.#orphan([file]);
      }
    }
    for (const session of await blobs.stagedSessions()) await this.#stagedFiles(session);
    await this.#orphan(await blobs.strayFiles());
  }

  /** A version's; or of a session, whose bytes are the sweep's until its row goes, however old they are; or going. */
  async #isOwned(session: string): Promise<boolean> {
    if (this.#owners.has(session)) return true;
    const { metadata } = this.#dependencies;
    const [row, freed] = await metadata.getMany([sessionKey(session), freedKey(session)]);
    return row !== undefined || freed !== undefined;
  }

  async #stagedFiles(session: string): Promise<void> {
    if (!(await this.#isOwned(session))) await this.#orphan(await this.#dependencies.blobs.stagedFiles(session));
  }

  get #mayMove(): boolean {
    return this.#options.repair === true && this.#knowsOwners;
  }

  async #orphan(files: readonly StoredFile[]): Promise<void> {
    for (const file of files.filter((file) => this.#isOld(file))) {
      const repaired = this.#mayMove && (await this.#dependencies.blobs.setAside(file.path));
      const next = this.#knowsOwners
        ? "--repair moves it into the folder orphans"
        : "as some rows cannot be read, it may have an owner, and --repair leaves it";
      const message = `Nothing names this file (${file.bytes} bytes): ${next}.`;
      this.#faults.push({ kind: "orphan", path: file.path, message, repaired });
    }
  }

  #isOld({ written_at }: StoredFile): boolean {
    const graceMs = this.#options.graceMs ?? sweepGraceMs;
    return this.#began - written_at > graceMs / 1000;
  }

  #progress(bytes: number): void {
    this.#counts.bytes += bytes;
    this.#options.onProgress?.(this.#counts.bytes, Math.max(this.#total, this.#counts.bytes));
  }
}

function unsound(row: string): ArtifactError {
  return new ArtifactError("corrupt", `The metadata row ${row} contradicts itself or another.`, { row });
}

const blobPath = (session: string): string => `blobs/${session.slice(0, 2)}/${session}`;
