import type { PartialReason } from "../../../store/ports/description.js";
import type { Detected } from "../../formats/detect-format.js";
import type { Run, Source } from "../../source.js";
import type { Batch, Cell, Column, LaterColumns, SearchedTable, Table, WantedRows } from "../table.js";
import { addNames, JsonColumns, sampledChars, sampledRows } from "./json-columns.js";
import { JsonRows, maxJsonChars } from "./json-rows.js";
import { brokenAt, endedByDamage, endedByTime, RowTexts } from "./row-texts.js";

/** Cells of a batch, and characters, about. */
const batchCells = 8 * 1024;
const batchChars = 1024 * 1024;

/**
 * A table in JSON Lines. Its columns are the members of the first 1,000 rows, or of the first 4 MiB, in the order in which
 * they appear. The items of an array are `column_1`, `column_2`, ..., and any other value is a `column_1`. JSON.parse puts
 * names that are integers first.
 *
 * @throws the errors of the source
 */
export async function openJsonlTable(source: Source, detected: Detected, run: Run): Promise<Table> {
  const names = new Set<string>();
  const texts = new RowTexts(source, detected);
  let isWhole = false;
  try {
    let rows = 0;
    do {
      const lines = new JsonRows(texts.text, texts.isLast);
      for (; rows < sampledRows && lines.next(); rows += 1) addNames(names, lines.value);
      texts.use(lines.at);
      if (rows === sampledRows || texts.offset >= sampledChars || run.isOver()) break;
      isWhole = lines.failure !== undefined || texts.text.length > maxJsonChars || !(await texts.more());
    } while (!isWhole);
  } finally {
    await texts.close();
  }
  return new JsonlTable(new JsonColumns([...names]), { source, detected, run, isWhole });
}

interface JsonlContent {
  readonly source: Source;
  readonly detected: Detected;
  readonly run: Run;
  /** All rows have told their columns. */
  readonly isWhole: boolean;
}

class JsonlTable implements SearchedTable {
  readonly format = "jsonl";
  readonly compression?: "gzip";
  readonly columns: readonly Column[];
  readonly withColumns?: (names: readonly string[]) => SearchedTable;
  readonly #content: JsonlContent;
  readonly #columns: JsonColumns;
  #broken: PartialReason | undefined;

  constructor(columns: JsonColumns, content: JsonlContent) {
    if (content.detected.compression !== undefined) this.compression = content.detected.compression;
    this.columns = columns.columns;
    this.#columns = columns;
    this.#content = content;
    if (!content.isWhole) this.withColumns = (names) => new JsonlTable(columns.with(names), content);
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
    const { source, detected, run } = this.#content;
    const texts = new RowTexts(source, detected);
    const reading = this.#readingOf(wanted);
    this.#broken = undefined;
    try {
      do {
        const lines = new JsonRows(texts.text, texts.isLast);
        for (let batch = this.#next(lines, reading); batch !== undefined; batch = this.#next(lines, reading)) {
          yield batch;
          if (run.isOver()) break;
        }
        if (reading.row >= reading.to) return;
        texts.use(lines.at);
        this.#broken = run.isOver() ? endedByTime(reading.row, texts) : brokenLine(reading.row, texts, lines);
        if (this.#broken !== undefined) return;
      } while (await texts.more());
      if (texts.damage !== undefined) this.#broken = endedByDamage(reading.row, texts.damage);
    } finally {
      await texts.close();
    }
  }

  #readingOf({ from = 1, to = Number.POSITIVE_INFINITY, columns }: WantedRows): Reading {
    return { row: 0, from, to, columns: this.#columns.picked(columns) };
  }

  /** A batch from the next lines; undefined if they have no wanted row. */
  #next(lines: JsonRows, reading: Reading): Batch | undefined {
    while (reading.row + 1 < reading.from) {
      if (!lines.skip()) return undefined;
      reading.row += 1;
    }
    const { row, to, columns } = reading;
    const isCounted = columns?.length === 0;
    const width = columns?.length ?? this.columns.length;
    const rows: (readonly Cell[])[] = [];
    const end = lines.at + batchChars;
    for (let cells = 0; cells < batchCells && lines.at < end && reading.row < to; cells += 1 + width) {
      if (!(isCounted ? lines.skip() : lines.next())) break;
      reading.row += 1;
      rows.push(isCounted ? noCells : this.#columns.cellsOf(lines.value, columns));
    }
    return rows.length === 0 ? undefined : { first: row + 1, rows };
  }
}

interface Reading {
  /** The number of the last row that was passed. */
  row: number;
  readonly from: number;
  readonly to: number;
  readonly columns: readonly number[] | undefined;
}

/** Whether the next line is too long, or no JSON. */
function brokenLine(row: number, texts: RowTexts, lines: JsonRows): PartialReason | undefined {
  if (lines.failure === "no JSON") return { reason: "damaged", message: brokenAt(row, texts, "is no JSON") };
  if (lines.failure === undefined && texts.text.length <= maxJsonChars) return undefined;
  return { reason: "size", message: brokenAt(row, texts, `is longer than ${maxJsonChars} characters`) };
}

const noCells: readonly Cell[] = [];
