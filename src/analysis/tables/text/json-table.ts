import { count } from "../../../store/model/count.js";
import type { PartialReason } from "../../../store/ports/description.js";
import { BrokenContentError, decodedText } from "../../formats/byte-stream.js";
import type { Detected } from "../../formats/detect-format.js";
import { type Run, type Source, timeIsOver } from "../../source.js";
import type { Batch, Table, WantedRows } from "../table.js";
import { addNames, JsonColumns, sampledChars, sampledRows } from "./json-columns.js";
import { JsonItems, maxContainers } from "./json-items.js";
import { type JsonContent, type JsonForm, JsonRowTable, noCells } from "./json-row-table.js";
import { maxJsonChars } from "./json-rows.js";
import { endedByDamage } from "./row-texts.js";

/**
 * The table in JSON that is an array of objects, as `openJsonlTable` makes it of lines. Undefined if the JSON does not begin as
 * such an array. Items behind the first one that are no objects are rows as well.
 *
 * @throws the errors of the source
 */
export async function openJsonTable(source: Source, detected: Detected, run: Run): Promise<Table | undefined> {
  if (!(await beginsWithObject(source, detected))) return undefined;
  const names = new Set<string>();
  const items = new JsonItems(source, detected);
  let isWhole = false;
  try {
    let rows = 0;
    while (rows < sampledRows && items.chars < sampledChars && !run.isOver()) {
      const found = await items.next();
      isWhole = found === undefined;
      if (found === undefined) break;
      for (const item of found.slice(0, sampledRows - rows)) addNames(names, item);
      rows += found.length;
    }
  } finally {
    await items.close();
  }
  return new JsonRowTable(arrayForm, new JsonColumns([...names]), { source, detected, run, isWhole });
}

async function beginsWithObject(source: Source, detected: Detected): Promise<boolean> {
  const texts = decodedText(source, detected);
  try {
    let text = "";
    for await (const part of texts) {
      text += part;
      if (/^\s*\[\s*\S/.test(text) || /^\s*[^\s[]/.test(text) || text.length > maxJsonChars) break;
    }
    return /^\s*\[\s*\{/.test(text);
  } catch (error) {
    if (error instanceof BrokenContentError) return false;
    throw error;
  }
}

async function* readItems(
  { source, detected, run }: JsonContent,
  columns: JsonColumns,
  wanted: WantedRows,
): AsyncGenerator<Batch, PartialReason | undefined, undefined> {
  const { from = 1, to = Number.POSITIVE_INFINITY } = wanted;
  const picked = columns.picked(wanted.columns);
  const items = new JsonItems(source, detected);
  let row = 0;
  try {
    for (let found = await items.next(); found !== undefined; found = await items.next()) {
      const start = Math.min(found.length, Math.max(0, from - 1 - row));
      const wantedItems = found.slice(start, Math.max(start, to - row));
      const rows = wantedItems.map((item) => (picked?.length === 0 ? noCells : columns.cellsOf(item, picked)));
      if (rows.length > 0) yield { first: row + start + 1, rows };
      row += found.length;
      if (row >= to) return undefined;
      if (run.isOver()) return timeIsOver(`${count(row, "row")} (${items.chars} characters)`);
    }
    return brokenItems(row, items);
  } finally {
    await items.close();
  }
}

const arrayForm: JsonForm = { format: "json", read: readItems };

function brokenItems(rows: number, { failure, damage }: JsonItems): PartialReason | undefined {
  if (damage !== undefined) return endedByDamage(rows, damage);
  if (failure === "no JSON") return endedByDamage(rows, "What follows is no JSON, and was not read.");
  if (failure === undefined) return undefined;
  const why = `The next one has more than ${maxJsonChars} characters, or more than ${maxContainers} lists and objects. Nothing behind that was read.`;
  return { reason: "size", message: `The table breaks off after ${count(rows, "row")}. ${why}` };
}
