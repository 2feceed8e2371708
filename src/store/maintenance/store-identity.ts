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

/** The mark beside the content: the id of the store that the content belongs to, and the generation of that store. */
interface Mark {
  readonly id: string;
  readonly generation: number;
  /** Whether a process is raising the generation, so that the rows may still be one generation behind. */
  readonly isRaising: boolean;
}

/**
 * Knows which store this is. Rows and content carry the same id: so it notices rows or content of another store. They also
 * carry a generation, which is raised now and then, beside the content first: so it notices a database that was restored
 * from an older backup.
 */
export class StoreIdentity {
  readonly #dependencies: StoreIdentityDependencies;
  #known: Promise<string> | undefined;

  constructor(dependencies: StoreIdentityDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Resolves with the store's id when rows and content are known to belong together. Gives a new store its id.
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

  /** @throws ArtifactError `store_replaced` if another store, or none, is at the store's path now */
  async checkPlace(): Promise<void> {
    const { metadata } = this.#dependencies;
    if (!(await metadata.isInPlace())) throw replaced("Its database is no longer the one at its place.");
  }

  /** As `ready`, but reads the ids again. */
  async check(): Promise<string> {
    await this.checkPlace();
    const { row, mark } = await this.#read();
    if (row === undefined && mark === undefined) return this.#create();
    if (row === undefined) throw replaced("Its content belongs to a store whose rows are not in this database.");
    if (mark === undefined) await this.#write({ ...row.value, isRaising: false });
    else if (mark.id !== row.value.id) throw replaced("Its content and its database belong to different stores.");
    return row.value.id;
  }

  /**
   * Whether the rows are as new as the content. It is false from the restore of an older database until `accept`.
   *
   * @throws ArtifactError `store_replaced`
   */
  async isCurrent(): Promise<boolean> {
    await this.check();
    const { row, mark } = await this.#read();
    if (row === undefined || mark === undefined) return false;
    return row.value.generation >= mark.generation - (mark.isRaising ? 1 : 0);
  }

  /** Begins a new generation if the rows are current. */
  async raise(): Promise<void> {
    if (!(await this.isCurrent())) return;
    const row = await this.#row();
    if (row !== undefined) await this.#raiseFrom(row, row.value.generation + 1);
  }

  /** Makes the rows current. For a caller that has checked them against the content. */
  async accept(): Promise<void> {
    await this.check();
    const { row, mark } = await this.#read();
    if (row !== undefined && mark !== undefined) {
      await this.#raiseFrom(row, Math.max(row.value.generation, mark.generation) + 1);
    }
  }

  /** Raises the mark beside the content first, then the row. At last the mark repeats the row, even if another process won. */
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

  /** Reads the mark first. It is written after the row, so a reader that finds the mark finds the row too. */
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
