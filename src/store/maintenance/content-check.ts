import {
  type ArtifactRow,
  hasVersion,
  type Piece,
  parseArtifactRow,
  parseSessionRow,
  type SessionRow,
  sessionPrefix,
  type Version,
} from "../model/records.js";
import { artifactPrefix } from "../model/row-keys.js";
import { isUnfinished } from "../model/upload-session.js";
import { digestContent } from "../pieces/content-digest.js";
import { openPieces } from "../pieces/piece-reader.js";
import type { ByteReader, ContentStore } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";
import { type MetadataStore, rowsUnder, type StoredRow } from "../ports/metadata-store.js";
import type { Rows } from "../rows.js";
import type { VerifyFindings } from "./verify-findings.js";
import type { FaultKind } from "./verify-report.js";

export interface ContentCheckDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly digests: Digests;
}

interface ExpectedContent {
  readonly bytes: number;
  /** 64 lower-case hex; undefined if it is not known. */
  readonly sha256: string | undefined;
}

interface ContentFault {
  readonly kind: FaultKind;
  /** The rest of a sentence that begins with "the content". */
  readonly what: string;
}

const pageRows = 500;

/** Checks that the bytes of all versions and unfinished uploads are there, and that they are what was saved. */
export class ContentCheck {
  readonly #dependencies: ContentCheckDependencies;
  readonly #findings: VerifyFindings;

  constructor(dependencies: ContentCheckDependencies, findings: VerifyFindings) {
    this.#dependencies = dependencies;
    this.#findings = findings;
  }

  async checkContents(): Promise<void> {
    this.#findings.addBytes(0);
    for await (const row of rowsUnder(this.#dependencies.metadata, artifactPrefix, pageRows)) {
      const found = ifReadable(row, parseArtifactRow);
      if (found === undefined) continue;
      for (const version of found.value.versions) await this.#version(found, version);
    }
    for await (const row of rowsUnder(this.#dependencies.metadata, sessionPrefix, pageRows)) {
      const found = ifReadable(row, parseSessionRow);
      if (found !== undefined && isUnfinished(found.value)) await this.#staged(found);
    }
  }

  async #version({ value: { bucket, key } }: ArtifactRow, found: Version): Promise<void> {
    const { version, session, pieces, bytes, sha256 } = found;
    this.#findings.counts.versions += 1;
    const fault = await this.#faultOf(session, pieces, { bytes, sha256 });
    const { rows } = this.#dependencies;
    if (fault === undefined || !hasVersion(await rows.artifact(bucket, key), found)) return;
    const { kind, what } = fault;
    const message = `The content ${what}.`;
    const next = "restore_or_delete_version";
    const where = this.#pathOf(session, pieces);
    this.#findings.faults.push({ kind, bucket, key, version, ...where, message, next, repaired: false });
  }

  async #staged(row: SessionRow): Promise<void> {
    const { id, bucket, key, pieces, offset, digest } = row.value;
    const sha256 = digest?.bytes === offset ? digest.sha256 : undefined;
    const fault = await this.#faultOf(id, pieces, { bytes: offset, sha256 });
    if (fault === undefined) return;
    if ((await this.#dependencies.rows.session(id))?.text !== row.text) return; // the session has changed
    const { kind, what } = fault;
    const message = `The content of this unfinished upload ${what}.`;
    const where = { session_id: id, ...this.#pathOf(id, pieces) };
    this.#findings.faults.push({ kind, bucket, key, ...where, message, next: "abort_upload", repaired: false });
  }

  /** The path of content that is one piece of the content store. */
  #pathOf(session: string, pieces: readonly Piece[]): { readonly path?: string } {
    const [only] = pieces;
    if (only === undefined || pieces.length > 1 || only.in_row) return {};
    return { path: this.#dependencies.content.pathOf({ session, name: only.name }) };
  }

  async #faultOf(
    session: string,
    pieces: readonly Piece[],
    expected: ExpectedContent,
  ): Promise<ContentFault | undefined> {
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

  /** Returns how the content differs, or undefined if it is as expected. */
  async #compare(reader: ByteReader, { bytes, sha256 }: ExpectedContent): Promise<string | undefined> {
    const onBlock = (length: number): void => this.#findings.addBytes(length);
    const found = await digestContent(this.#dependencies.digests, reader, bytes, onBlock);
    if (found.bytes < bytes) return `ends after ${found.bytes} of ${bytes} bytes`;
    const isSame = sha256 === undefined || found.sha256 === sha256;
    return isSame ? undefined : "is not what was saved: its SHA-256 differs";
  }
}

function ifReadable<Row>(row: StoredRow, parse: (row: StoredRow) => Row): Row | undefined {
  try {
    return parse(row);
  } catch {
    return undefined; // `RowCheck` reports it
  }
}
