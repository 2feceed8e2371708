import { orphanGraceMs } from "../model/limits.js";
import { type Piece, rowPieceName } from "../model/records.js";
import type { ContentStore, PieceName, StoredFile } from "../ports/content-store.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { VerifyFindings } from "./verify-findings.js";
import type { VerifyOptions } from "./verify-report.js";

export interface UnnamedContentDependencies {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly nowSeconds: () => number;
}

const pageRows = 500;

/** The files and pieces of a store that no row was found to name so far. Those that are left at the end are orphans. */
export class UnnamedContent {
  readonly #dependencies: UnnamedContentDependencies;
  readonly #options: VerifyOptions;
  readonly #findings: VerifyFindings;
  /** Old files by session and name of the piece. A file that is no piece is under the session "", by its path. */
  readonly #files = new Map<string, Map<string, StoredFile>>();
  /** Pieces in rows, with their lengths. */
  readonly #rowPieces = new Map<string, number>();
  /** Unix seconds. The age of a file is its age at this time, however long the verification takes. */
  readonly #startedAt: number;

  constructor(dependencies: UnnamedContentDependencies, options: VerifyOptions, findings: VerifyFindings) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#findings = findings;
    this.#startedAt = dependencies.nowSeconds();
  }

  /** Lists all content of the store, before the rows are read. */
  async list(): Promise<void> {
    const { content, metadata } = this.#dependencies;
    for (const shard of await content.shards()) {
      for (const file of await content.listShard(shard)) this.#add(file, file.piece);
    }
    for (const file of await content.strayFiles()) this.#add(file, undefined);
    for (let after: string | undefined; ; ) {
      const page = await metadata.listPieces({ after, limit: pageRows });
      for (const { name, bytes } of page) this.#rowPieces.set(name, bytes);
      after = page.at(-1)?.name;
      if (page.length < pageRows) return;
    }
  }

  /** A row names these pieces. */
  namePieces(session: string, pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      if (piece.in_row) this.#rowPieces.delete(rowPieceName(session, piece));
      else this.nameFile(session, piece.name);
    }
  }

  /** A row names this piece in the content store. */
  nameFile(session: string, name: string): void {
    this.#files.get(session)?.delete(name);
  }

  /** All files of this session have an owner. */
  nameAllFiles(session: string): void {
    this.#files.delete(session);
  }

  /** Reports the orphans, and moves them out of the store if it may. */
  async reportOrphans(): Promise<void> {
    const { content, metadata } = this.#dependencies;
    const files = [...this.#files.values()].flatMap((ofSession) => [...ofSession.values()]);
    for (const { path, bytes } of files) {
      if (!(await content.has(path))) continue; // it was removed meanwhile, with its row
      const repaired = this.#mayMove && (await content.setAside(path));
      this.#report(`No row names this file (${bytes} bytes).`, { path }, repaired);
    }
    for (const name of this.#rowPieces.keys()) {
      const [found] = await metadata.pieces([name]);
      if (found === undefined) continue; // it was dropped meanwhile, with its row
      if (this.#mayMove) {
        await content.keepAside(`${name.replaceAll("/", ".")}.piece`, found);
        await metadata.change([], { drop: [name] });
      }
      this.#report(`No row names the piece ${name} (${found.length} bytes).`, {}, this.#mayMove);
    }
  }

  #add(file: StoredFile, piece: PieceName | undefined): void {
    if (!this.#isOld(file)) return;
    const { session, name } = piece ?? { session: "", name: file.path };
    const files = this.#files.get(session) ?? new Map<string, StoredFile>();
    this.#files.set(session, files.set(name, file));
  }

  #report(message: string, where: { readonly path?: string }, repaired: boolean): void {
    const next = this.#findings.knowsOwners ? "repair" : "repair_rows_first";
    this.#findings.faults.push({ kind: "orphan", ...where, message, next, repaired });
  }

  get #mayMove(): boolean {
    return this.#options.repair === true && this.#findings.knowsOwners;
  }

  #isOld({ written_at }: StoredFile): boolean {
    const graceMs = this.#options.graceMs ?? orphanGraceMs;
    return this.#startedAt - written_at > graceMs / 1000;
  }
}
