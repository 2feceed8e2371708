import { sha256Of } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { orphanGraceMs } from "../model/limits.js";
import {
  type ArtifactRow,
  artifactKey,
  artifactPrefix,
  changedKey,
  clockKey,
  freedPrefix,
  goneKey,
  gonePrefix,
  type Piece,
  parseArtifactRow,
  parseClockRow,
  parseFreedRow,
  parseGoneRow,
  parseSessionRow,
  parseStoreRow,
  partsOf,
  rowPieceName,
  type SessionRow,
  sessionKey,
  sessionPrefix,
  storeKey,
  uploadKey,
  uploadPrefix,
  uploadText,
  type Version,
  versionOf,
} from "../model/records.js";
import { isUnfinished } from "../model/upload-session.js";
import { digestContent } from "../pieces/content-digest.js";
import { openPieces } from "../pieces/piece-reader.js";
import type { ByteReader, ContentStore, PieceName, StoredFile } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";
import { type MetadataStore, rowsUnder, type StoredRow } from "../ports/metadata-store.js";
import type { Rows } from "../rows.js";
import type { StoreIdentity } from "./store-identity.js";

/**
 * What is wrong: `corrupt`, bytes or a row that are not what they were; `missing`, bytes that a row names and that are
 * gone; `orphan`, a file or a piece in a row that nothing names; `unlisted`, an upload that no listing shows.
 */
export type FaultKind = "corrupt" | "missing" | "orphan" | "unlisted";

/** What the operator can do about a fault. */
export type FaultNext =
  | "restore_database"
  /** Or repair, which moves the row out of the store. */
  | "restore_row"
  | "restore_or_delete_version"
  | "abort_upload"
  | "repair"
  /** Some rows cannot be read, so it may have an owner: repair leaves it as it is. */
  | "repair_rows_first";

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
  /** What it is. */
  readonly message: string;
  readonly next: FaultNext;
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
  readonly content: ContentStore;
  readonly identity: StoreIdentity;
  readonly digests: Digests;
  readonly nowSeconds: () => number;
}

const pageRows = 500;

/**
 * Checks every row against every file, while others go on working: what looks wrong is looked at again before it is
 * called so. Unfinished work, and what is left of it for the sweep, is no fault.
 *
 * @throws ArtifactError `store_replaced`
 */
export async function verify(dependencies: VerifyDependencies, options: VerifyOptions = {}): Promise<VerifyReport> {
  const check = new Verification(dependencies, options);
  await check.integrity();
  await dependencies.identity.check(); // another store's files are no orphans of this one
  // In this order: what is published meanwhile is named by a row that is read later.
  await check.list();
  await check.rows();
  await check.contents();
  await check.orphans();
  if (check.isSound || options.repair) await dependencies.identity.accept();
  return check.report;
}

class Verification {
  readonly #dependencies: VerifyDependencies;
  readonly #options: VerifyOptions;
  /** Old files that no row was found to name so far, by session and name of the piece; what is no piece is under "". */
  readonly #unnamedFiles = new Map<string, Map<string, StoredFile>>();
  /** Pieces in rows that no other row was found to name so far, with their lengths. */
  readonly #unnamedPieces = new Map<string, number>();
  /** The sessions that a version has its content from. */
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

  /** Rows and content belong together. */
  get isSound(): boolean {
    return this.#faults.every(({ kind }) => kind !== "missing" && kind !== "corrupt");
  }

  async integrity(): Promise<void> {
    for (const line of await this.#dependencies.metadata.checkIntegrity()) {
      this.#knowsOwners = false;
      const message = `The metadata database is damaged (${line}).`;
      const path = "metadata.sqlite";
      this.#faults.push({ kind: "corrupt", path, message, next: "restore_database", repaired: false });
    }
  }

  /** What lies in the store before the rows are read. */
  async list(): Promise<void> {
    const { content, metadata } = this.#dependencies;
    for (const shard of await content.shards()) {
      for (const file of await content.listShard(shard)) this.#found(file, file.piece);
    }
    for (const file of await content.strayFiles()) this.#found(file, undefined);
    for (let after: string | undefined; ; ) {
      const page = await metadata.listPieces({ after, limit: pageRows });
      for (const { name, bytes } of page) this.#unnamedPieces.set(name, bytes);
      after = page.at(-1)?.name;
      if (page.length < pageRows) return;
    }
  }

  #found(file: StoredFile, piece: PieceName | undefined): void {
    if (!this.#isOld(file)) return;
    const { session, name } = piece ?? { session: "", name: file.path };
    const files = this.#unnamedFiles.get(session) ?? new Map<string, StoredFile>();
    this.#unnamedFiles.set(session, files.set(name, file));
  }

  /** Every row reads, and says of itself what its key says. Those of sessions come before those of artifacts. */
  async rows(): Promise<void> {
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
      for (const { session, name } of parseFreedRow(row).value.pieces) this.#unnamedFiles.get(session)?.delete(name);
    } else if (key.startsWith(gonePrefix)) await this.#gone(row);
    else if (key === clockKey) parseClockRow(row);
    else if (key === storeKey) parseStoreRow(row);
    else if (!key.startsWith(uploadPrefix()) && key !== changedKey) throw unsound(key);
  }

  /** A key has versions, or had some. */
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
    this.#counts.artifacts += 1;
    for (const { session, bytes, pieces } of versions) {
      this.#owners.add(session);
      this.#name(session, pieces);
      this.#total += bytes;
    }
  }

  #name(session: string, pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      if (piece.in_row) this.#unnamedPieces.delete(rowPieceName(session, piece));
      else this.#unnamedFiles.get(session)?.delete(piece.name);
    }
  }

  async #session(found: SessionRow, row: StoredRow): Promise<void> {
    const { id, bucket, key, is_listed, pieces } = found.value;
    if (sessionKey(id) !== row.key) throw unsound(row.key);
    // What lies under it beside its pieces is the sweep's, which clears it before its row goes.
    this.#unnamedFiles.delete(id);
    this.#name(id, pieces);
    if (isUnfinished(found.value) && is_listed) this.#counts.unfinished_uploads += 1;
    const index = uploadKey(bucket, key, id);
    const { metadata } = this.#dependencies;
    if (!is_listed || (await metadata.get(index)) !== undefined) return;
    const again = await metadata.get(row.key);
    if (again !== row.text) return; // it has moved on, and is the next check's
    const rows = [
      { key: row.key, old: again, next: again },
      { key: index, old: undefined, next: uploadText },
    ];
    const repaired = this.#options.repair === true && (await metadata.change(rows));
    const message = "No listing shows this upload: its index row is gone.";
    const names = { bucket, key, session_id: id, row: index };
    this.#faults.push({ kind: "unlisted", ...names, message, next: "repair", repaired });
  }

  /** The text is kept beside the orphans, so nothing is lost with the row. */
  async #unreadable({ key, text }: StoredRow): Promise<void> {
    const { metadata, content } = this.#dependencies;
    if ((await metadata.get(key)) !== text) return; // written anew meanwhile, and the next check's
    this.#knowsOwners = false;
    let repaired = false;
    if (this.#options.repair === true) {
      const name = key.replaceAll(/[^\w.-]/g, "_").slice(0, 100);
      await content.keepAside(`${name}-${sha256Of(key).slice(0, 16)}.row`, text);
      repaired = await metadata.change([{ key, old: text, next: undefined }]);
    }
    const [, bucket, name] = key.startsWith(artifactPrefix) ? partsOf(key) : [];
    const names = { ...(bucket ? { bucket } : {}), ...(name ? { key: name } : {}) };
    const message = "This metadata row cannot be read.";
    this.#faults.push({ kind: "corrupt", ...names, row: key, message, next: "restore_row", repaired });
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

  async #version({ value: { bucket, key } }: ArtifactRow, found: Version): Promise<void> {
    const { version, session, pieces, bytes, sha256 } = found;
    this.#counts.versions += 1;
    const fault = await this.#content(session, pieces, { bytes, sha256 });
    const { rows } = this.#dependencies;
    if (fault === undefined || versionOf(await rows.artifact(bucket, key), session) === undefined) return;
    const message = `The content ${fault.what}.`;
    const next = "restore_or_delete_version";
    const where = this.#pathOf(session, pieces);
    this.#faults.push({ kind: fault.kind, bucket, key, version, ...where, message, next, repaired: false });
  }

  async #staged(row: SessionRow): Promise<void> {
    const { id, bucket, key, pieces, offset, digest } = row.value;
    const sha256 = digest?.bytes === offset ? digest.sha256 : undefined;
    const fault = await this.#content(id, pieces, { bytes: offset, sha256 });
    if (fault === undefined) return;
    if ((await this.#dependencies.rows.session(id))?.text !== row.text) return; // it has moved on
    const message = `Of this unfinished upload, the content ${fault.what}.`;
    const where = { session_id: id, ...this.#pathOf(id, pieces) };
    this.#faults.push({ kind: fault.kind, bucket, key, ...where, message, next: "abort_upload", repaired: false });
  }

  /** Where content lies, if it is in one piece of the content store. */
  #pathOf(session: string, pieces: readonly Piece[]): { readonly path?: string } {
    const [only] = pieces;
    if (only === undefined || pieces.length > 1 || only.in_row) return {};
    return { path: this.#dependencies.content.pathOf({ session, name: only.name }) };
  }

  /** What is wrong with content, if anything. */
  async #content(
    session: string,
    pieces: readonly Piece[],
    expected: { readonly bytes: number; readonly sha256: string | undefined },
  ): Promise<{ kind: FaultKind; what: string } | undefined> {
    try {
      const reader = await openPieces(this.#dependencies, session, pieces);
      if (reader === undefined) return { kind: "missing", what: "is gone" };
      const what = await this.#compare(reader, expected).finally(() => reader.close());
      return what === undefined ? undefined : { kind: "corrupt", what };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      return { kind: "corrupt", what: `cannot be read (${cause})` };
    }
  }

  async #compare(
    reader: ByteReader,
    { bytes, sha256 }: { readonly bytes: number; readonly sha256: string | undefined },
  ): Promise<string | undefined> {
    const onBlock = (length: number): void => this.#progress(length);
    const found = await digestContent(this.#dependencies.digests, reader, bytes, onBlock);
    if (found.bytes < bytes) return `ends after ${found.bytes} of ${bytes} bytes`;
    const isSame = sha256 === undefined || found.sha256 === sha256;
    return isSame ? undefined : "is not what was saved: its SHA-256 differs";
  }

  /** What no row names. */
  async orphans(): Promise<void> {
    const { content, metadata } = this.#dependencies;
    const files = [...this.#unnamedFiles.values()].flatMap((ofSession) => [...ofSession.values()]);
    for (const { path, bytes } of files) {
      if (!(await content.has(path))) continue; // removed meanwhile, with its row
      const repaired = this.#mayMove && (await content.setAside(path));
      this.#orphan(`No row names this file (${bytes} bytes).`, { path }, repaired);
    }
    for (const name of this.#unnamedPieces.keys()) {
      const [found] = await metadata.pieces([name]);
      if (found === undefined) continue; // dropped meanwhile, with its row
      if (this.#mayMove) {
        await content.keepAside(`${name.replaceAll("/", ".")}.piece`, found);
        await metadata.change([], { drop: [name] });
      }
      this.#orphan(`No row names the piece ${name} (${found.length} bytes).`, {}, this.#mayMove);
    }
  }

  #orphan(message: string, where: { readonly path?: string }, repaired: boolean): void {
    const next = this.#knowsOwners ? "repair" : "repair_rows_first";
    this.#faults.push({ kind: "orphan", ...where, message, next, repaired });
  }

  get #mayMove(): boolean {
    return this.#options.repair === true && this.#knowsOwners;
  }

  #isOld({ written_at }: StoredFile): boolean {
    const graceMs = this.#options.graceMs ?? orphanGraceMs;
    return this.#began - written_at > graceMs / 1000;
  }

  #progress(bytes: number): void {
    this.#counts.bytes += bytes;
    this.#options.onProgress?.(this.#counts.bytes, Math.max(this.#total, this.#counts.bytes));
  }
}

function unsound(row: string): ArtifactError {
  const message = `The metadata row ${row.replaceAll("\t", " ")} contradicts itself or another.`;
  return new ArtifactError("corrupt", message, { next: "restore_backup", details: { row } });
}
