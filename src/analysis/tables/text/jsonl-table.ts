import type { PartialReason } from "../../../store/ports/description.js";
import type { Detected } from "../../formats/detect-format.js";
import type { Run, Source } from "../../source.js";
import type { Batch, Cell, Table, WantedRows } from "../table.js";
import { addNames, JsonColumns, sampledChars, sampledRows } from "./json-columns.js";
import { type JsonContent, type JsonForm, JsonRowTable, noCells } from "./json-row-table.js";
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
  return new JsonRowTable(linesForm, new JsonColumns([...names]), { source, detected, run, isWhole });
}

async function* readLines(
  { source, detected, run }: JsonContent,
  columns: JsonColumns,
  wanted: WantedRows,
): AsyncGenerator<Batch, PartialReason | undefined, undefined> {
  const { from = 1, to = Number.POSITIVE_INFINITY } = wanted;
  const reading: Reading = { row: 0, from, to, picked: columns.picked(wanted.columns) };
  const texts = new RowTexts(source, detected);
  try {
    do {
      const lines = new JsonRows(texts.text, texts.isLast);
      for (const batch of batchesOf(lines, columns, reading)) {
        yield batch;
        if (run.isOver()) break;
      }
      if (reading.row >= to) return undefined;
      texts.use(lines.at);
      const broken = run.isOver() ? endedByTime(reading.row, texts) : brokenLine(reading.row, texts, lines);
      if (broken !== undefined) return broken;
    } while (await texts.more());
    return texts.damage === undefined ? undefined : endedByDamage(reading.row, texts.damage);
  } finally {
    await texts.close();
  }
}

const linesForm: JsonForm = { format: "jsonl", read: readLines };

function* batchesOf(lines: JsonRows, columns: JsonColumns, reading: Reading): Generator<Batch, void, undefined> {
  for (;;) {
    const batch = nextBatch(lines, columns, reading);
    if (batch === undefined) return;
    yield batch;
  }
}

/** A batch from the next lines; undefined if they have no wanted row. */
function nextBatch(lines: JsonRows, columns: JsonColumns, reading: Reading): Batch | undefined {
  while (reading.row + 1 < reading.from) {
    if (!lines.skip()) return undefined;
    reading.row += 1;
  }
  const { row, to, picked } = reading;
  const isCounted = picked?.length === 0;
  const width = picked?.length ?? columns.columns.length;
  const rows: (readonly Cell[])[] = [];
  const end = lines.at + batchChars;
  for (let cells = 0; cells < batchCells && lines.at < end && reading.row < to; cells += 1 + width) {
    if (!(isCounted ? lines.skip() : lines.next())) break;
    reading.row += 1;
    rows.push(isCounted ? noCells : columns.cellsOf(lines.value, picked));
  }
  return rows.length === 0 ? undefined : { first: row + 1, rows };
}

interface Reading {
  /** The number of the last row that was passed. */
  row: number;
  readonly from: number;
  readonly to: number;
  /** As `JsonColumns.picked` returns it. */
  readonly picked: readonly number[] | undefined;
}

/** Whether the next line is too long, or no JSON. */
function brokenLine(row: number, texts: RowTexts, lines: JsonRows): PartialReason | undefined {
  if (lines.failure === "no JSON") return { reason: "damaged", message: brokenAt(row, texts, "is no JSON") };
  if (lines.failure === undefined && texts.text.length <= maxJsonChars) return undefined;
  return { reason: "size", message: brokenAt(row, texts, `is longer than ${maxJsonChars} characters`) };
}
