import { type Field, type RecordBatch, RecordBatchReader, type Schema } from "apache-arrow";
import type { PartialReason } from "../../store/ports/description.js";
import { type Run, type Source, timeIsOver } from "../source.js";
import { ArrowCells } from "./arrow/cells.js";
import { checkBatch, checkDictionary } from "./arrow/check-batch.js";
import { registerCodecs } from "./arrow/codecs.js";
import { type ArrowMessages, findMessages } from "./arrow/find-messages.js";
import { type ArrowMessage, mostBytes, withLength } from "./arrow/messages.js";
import { columnTypeOf, schemaIn } from "./arrow/schema.js";
import { FailingSource } from "./read-failure.js";
import type { Batch, Cell, Column, Table, WantedRows } from "./table.js";
import { brokenTable, Unreadable, unreadablePart } from "./unreadable.js";

const cannotRead = "The Arrow data cannot be read";
const mostRowsInBatch = 2048;
const mostCellsInBatch = 32 * 1024;
const mostItemsInBatch = 1_000_000;

/**
 * Opens Arrow's file format, which is Feather's version 2 too, or its stream format. Content that is damaged, or that
 * cannot be read for another reason, is a table that is `broken`, with the columns and rows that it still tells.
 */
export async function openArrowTable(source: Source, run: Run): Promise<Table> {
  const failing = new FailingSource(source);
  try {
    const found = await findMessages(failing, run);
    const schema = schemaIn(found.schema);
    await registerCodecs();
    return new ArrowTable(failing, run, found, schema);
  } catch (error) {
    return brokenTable("arrow", unreadablePart(cannotRead, failing.failureOr(error)));
  }
}

class ArrowTable implements Table {
  readonly format = "arrow";
  readonly columns: readonly Column[];
  readonly totalRows?: number;
  readonly #source: FailingSource;
  readonly #run: Run;
  readonly #found: ArrowMessages;
  readonly #fields: readonly Field[];
  #broken: PartialReason | undefined;

  constructor(source: FailingSource, run: Run, found: ArrowMessages, schema: Schema) {
    this.#source = source;
    this.#run = run;
    this.#found = found;
    this.#fields = schema.fields;
    this.columns = schema.fields.map(({ name, type }) => ({ name: name ?? "", type: columnTypeOf(type) }));
    if (found.fault === undefined) this.totalRows = found.messages.reduce((sum, { rows }) => sum + rows, 0);
    else this.#broken = unreadablePart(cannotRead, found.fault);
  }

  async *batches(wantedRows: WantedRows = {}): AsyncGenerator<Batch, void, undefined> {
    const { from = 1, to = Number.POSITIVE_INFINITY, columns = this.#fields.keys() } = wantedRows;
    const wanted = [...columns];
    const batches = wanted.length === 0 ? [] : this.#batchesWith(from, to);
    const waiting = batches.values();
    let current = batches[0];
    if (current === undefined) return;
    try {
      for await (const recordBatch of await RecordBatchReader.from(this.#bytesOf(batches))) {
        const { value } = waiting.next();
        if (value === undefined) return;
        current = value;
        yield* this.#rowsOf(recordBatch, wanted, {
          ...value,
          from: Math.max(from, value.first),
          to: Math.min(to, value.last),
        });
        if (this.#broken?.reason === "time") return;
      }
    } catch (error) {
      this.#broken = unreadablePart(`Batch ${current.number} cannot be read`, this.#source.failureOr(error));
    }
  }

  *#rowsOf(
    recordBatch: RecordBatch,
    wanted: readonly number[],
    { first, from, to }: { first: number; from: number; to: number },
  ): Generator<Batch, void, undefined> {
    const vectors = wanted.map((column) => recordBatch.getChildAt(column));
    const step = Math.max(1, Math.min(mostRowsInBatch, Math.floor(mostCellsInBatch / wanted.length)));
    for (let row = from; row <= to; row += step) {
      const cells = new ArrowCells(mostItemsInBatch);
      const rows: Cell[][] = [];
      for (let at = row - first; at < Math.min(row + step, to + 1) - first; at++) {
        rows.push(vectors.map((vector) => vector && cells.cellOf(vector.get(at), vector.type)));
      }
      yield { first: row, rows };
      if (this.#run.isOver()) {
        this.#broken = timeIsOver(`row ${row + rows.length - 1}`);
        return;
      }
    }
  }

  /** The batches that have some of these rows. */
  #batchesWith(from: number, to: number): NumberedBatch[] {
    const batches: NumberedBatch[] = [];
    let first = 1;
    let number = 0;
    for (const message of this.#found.messages) {
      if (message.kind !== "batch") continue;
      number += 1;
      const last = first + message.rows - 1;
      if (message.rows > 0 && last >= from && first <= to) batches.push({ message, number, first, last });
      first = last + 1;
    }
    return batches;
  }

  /** A stream that has only these batches, and the dictionaries that they may need. */
  async *#bytesOf(batches: readonly NumberedBatch[]): AsyncGenerator<Uint8Array, void, undefined> {
    const wanted = new Set(batches.map(({ message }) => message));
    const { isFile, schema, messages } = this.#found;
    const needed = messages.filter((message) => message.kind !== "batch" || wanted.has(message));
    if (isFile) needed.sort((a, b) => order[a.kind] - order[b.kind]);
    yield withLength(schema);
    for (const message of needed) yield this.#checkedBytes(message);
  }

  async #checkedBytes({ kind, start, prefix, metadataBytes, bodyBytes }: ArrowMessage): Promise<Uint8Array> {
    if (bodyBytes > mostBytes) {
      throw new Unreadable(`It has ${bodyBytes} bytes, more than the ${mostBytes} that can be read at a time.`, "size");
    }
    const length = prefix + metadataBytes + bodyBytes;
    const bytes = await this.#source.read(start, length);
    if (bytes.length < length) throw new Unreadable("The content breaks off.");
    const metadata = bytes.subarray(prefix, prefix + metadataBytes);
    const body = bytes.subarray(prefix + metadataBytes);
    if (kind === "dictionary") checkDictionary(metadata, body);
    if (kind === "batch") checkBatch(metadata, body, this.#fields);
    return bytes;
  }

  broken(): PartialReason | undefined {
    return this.#broken;
  }
}

/** A record batch, its number among all of them, and its rows. */
interface NumberedBatch {
  readonly message: ArrowMessage;
  readonly number: number;
  readonly first: number;
  readonly last: number;
}

const order = { dictionary: 0, batch: 1 };
