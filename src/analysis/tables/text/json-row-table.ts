import type { PartialReason } from "../../../store/ports/description.js";
import type { Detected } from "../../formats/detect-format.js";
import type { Run, Source } from "../../source.js";
import type { Batch, Cell, Column, LaterColumns, SearchedTable, WantedRows } from "../table.js";
import type { JsonColumns } from "./json-columns.js";

/** What the two forms of JSON tables, an array and lines, have in common. */
export interface JsonContent {
  readonly source: Source;
  readonly detected: Detected;
  readonly run: Run;
  /** All rows have told their columns. */
  readonly isWhole: boolean;
}

/** Reads rows in batches. The end of the generator tells where the content broke off. */
export type ReadBatches = (
  content: JsonContent,
  columns: JsonColumns,
  wanted: WantedRows,
) => AsyncGenerator<Batch, PartialReason | undefined, undefined>;

export interface JsonForm {
  readonly format: "json" | "jsonl";
  readonly read: ReadBatches;
}

/** The cells of a row that is only counted. */
export const noCells: readonly Cell[] = [];

/** A table whose rows are values in JSON. */
export class JsonRowTable implements SearchedTable {
  readonly format: "json" | "jsonl";
  readonly compression?: "gzip";
  readonly columns: readonly Column[];
  readonly withColumns?: (names: readonly string[]) => SearchedTable;
  readonly #form: JsonForm;
  readonly #content: JsonContent;
  readonly #columns: JsonColumns;
  #broken: PartialReason | undefined;

  constructor(form: JsonForm, columns: JsonColumns, content: JsonContent) {
    this.format = form.format;
    if (content.detected.compression !== undefined) this.compression = content.detected.compression;
    this.columns = columns.columns;
    this.#form = form;
    this.#content = content;
    this.#columns = columns;
    if (!content.isWhole) this.withColumns = (names) => new JsonRowTable(form, columns.with(names), content);
  }

  broken(): PartialReason | undefined {
    return this.#broken;
  }

  laterColumns(): LaterColumns {
    return this.#columns.later;
  }

  unseenColumns(): readonly string[] {
    return this.#columns.unseen;
  }

  async *batches(wanted: WantedRows = {}): AsyncGenerator<Batch, void, undefined> {
    this.#broken = undefined;
    this.#broken = yield* this.#form.read(this.#content, this.#columns, wanted);
  }
}
