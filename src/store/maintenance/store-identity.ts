import { ArtifactError } from "../model/errors.js";
import { parseStoreRow, type Row, type StoreRecord, storeKey } from "../model/records.js";
import type { ContentStore } from "../ports/content-store.js";
import type { MetadataStore } from "../ports/metadata-store.js";

export interface StoreIdentityDependencies {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly newId: () => string;
  readonly newRevision: () => string;
}

/** What lies beside the content: which store it belongs to, and the generation of its rows. */
interface Mark {
  readonly id: string;
  readonly generation: number;
  /** The rows may still be one generation behind: a process was about to raise them. */
  readonly isRaising: boolean;
}

/**
 * Which store this is. Rows and content carry the same id, so that one of them without the other is noticed; and a
 * generation that is raised now and then, beside the content first, so that a database from an older backup is noticed.
 */
export class StoreIdentity {
  readonly #dependencies: StoreIdentityDependencies;
  #known: Promise<string> | undefined;

  constructor(dependencies: StoreIdentityDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * The store's id, once it is known that rows and content belong together. A new store gets one.
   *
   * @throws ArtifactError `store_replaced`
   */
  ready(): Promise<string> {
    this.#known ??= this.check().catch((error) => {
      this.#known = undefined;
      throw error;
    });
    return this.#known;
  }

  /** @throws ArtifactError `store_replaced` if another store lies at its place now, or none */
  async inPlace(): Promise<void> {
    const { metadata } = this.#dependencies;
    if (!(await metadata.isInPlace())) throw replaced("Its database is no longer the one at its place.");
  }

  /** `ready`, looked at anew. */
  async check(): Promise<string> {
    await this.inPlace();
    const { row, mark } = await this.#read();
    if (row === undefined && mark === undefined) return this.#create();
    if (row === undefined) throw replaced("Its content belongs to a store whose rows are not in this database.");
    if (mark === undefined) await this.#write({ ...row.value, isRaising: false });
    else if (mark.id !== row.value.id) throw replaced("Its content and its database belong to different stores.");
    return row.value.id;
  }

  /**
   * Whether the rows are as new as the content: false after an older database was restored, until `accept`.
   *
   * @throws ArtifactError `store_replaced`
   */
  async isCurrent(): Promise<boolean> {
    await this.check();
    const { row, mark } = await this.#read();
    if (row === undefined || mark === undefined) return false;
    return row.value.generation >= mark.generation - (mark.isRaising ? 1 : 0);
  }

  /** Begins a new generation, if the rows are current. */
  async raise(): Promise<void> {
    if (!(await this.isCurrent())) return;
    const row = await this.#row();
    if (row !== undefined) await this.#raiseFrom(row, row.value.generation + 1);
  }

  /** The rows were checked against the content: they are the ones that count from now on. */
  async accept(): Promise<void> {
    await this.check();
    const { row, mark } = await this.#read();
    if (row !== undefined && mark !== undefined) {
      await this.#raiseFrom(row, Math.max(row.value.generation, mark.generation) + 1);
    }
  }

  /** Content first. Then, whoever has won the row, the mark says what the row says. */
  async #raiseFrom(row: Row<StoreRecord>, generation: number): Promise<void> {
    const { id } = row.value;
    await this.#write({ id, generation, isRaising: true });
    const text = this.#encode({ id, generation });
    await this.#dependencies.metadata.change([{ key: storeKey, old: row.text, next: text }]);
    for (let now = await this.#row(), marked = ""; now !== undefined && now.text !== marked; now = await this.#row()) {
      await this.#write({ ...now.value, isRaising: false });
      marked = now.text;
    }
  }

  async #create(): Promise<string> {
    const { metadata, newId } = this.#dependencies;
    const id = newId();
    const isFirst = await metadata.change([
      { key: storeKey, old: undefined, next: this.#encode({ id, generation: 0 }) },
    ]);
    if (!isFirst) return this.check(); // another process was first
    await this.#write({ id, generation: 0, isRaising: false });
    return id;
  }

  /** The mark first: it is written behind the row, so who finds one finds the row too. */
  async #read(): Promise<{ readonly row: Row<StoreRecord> | undefined; readonly mark: Mark | undefined }> {
    const mark = await this.#mark();
    return { mark, row: await this.#row() };
  }

  async #row(): Promise<Row<StoreRecord> | undefined> {
    const text = await this.#dependencies.metadata.get(storeKey);
    return text === undefined ? undefined : parseStoreRow({ key: storeKey, text });
  }

  async #mark(): Promise<Mark | undefined> {
    const text = await this.#dependencies.content.readMark();
    const [, id, generation, raising] = /^(\S+) (\d+)( raising)?$/.exec(text ?? "") ?? [];
    return id === undefined ? undefined : { id, generation: Number(generation), isRaising: raising !== undefined };
  }

  #write({ id, generation, isRaising }: Mark): Promise<void> {
    return this.#dependencies.content.writeMark(`${id} ${generation}${isRaising ? " raising" : ""}`);
  }

  #encode(record: StoreRecord): string {
    return JSON.stringify({ ...record, revision: this.#dependencies.newRevision() });
  }
}

function replaced(why: string): ArtifactError {
  const message = `The store is not the one that this server was started with. ${why} Nothing was changed.`;
  return new ArtifactError("store_replaced", message, { next: "restart_server" });
}
