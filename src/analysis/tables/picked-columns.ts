import { ArtifactError } from "../../store/model/errors.js";
import { meantName } from "../../store/model/meant-name.js";
import { quote } from "../../store/model/quote.js";
import type { PartialReason } from "../../store/ports/description.js";
import type { SearchedTable, Table } from "./table.js";

/** Names in a message. */
const maxNames = 50;
const maxOtherNames = 10;

export interface PickedColumns {
  readonly table: Table;
  /** The same table, if it is not known yet whether it has all of the columns. `findUnseen` looks for them. */
  readonly searched?: SearchedTable;
  readonly names: readonly string[];
  /** Indexes of the columns in the table. */
  readonly indexes: readonly number[];
}

/**
 * The wanted columns of a table; all that it tells if none are named.
 *
 * @throws ArtifactError `invalid_argument` if it cannot have them
 */
export function pickColumns(table: Table, wanted: readonly string[] | undefined): PickedColumns {
  if (wanted === undefined || wanted.length === 0) {
    return { table, names: table.columns.map(({ name }) => name), indexes: [...table.columns.keys()] };
  }
  const names = [...new Set(wanted)];
  const unknown = names.filter((name) => indexIn(table, name) === -1);
  const [first] = unknown;
  if (first === undefined) return { table, names, indexes: names.map((name) => indexIn(table, name)) };
  const searched = table.withColumns?.(unknown);
  if (searched === undefined) throw noSuchColumn(table, first);
  return { table: searched, searched, names, indexes: names.map((name) => indexIn(searched, name)) };
}

function indexIn({ columns }: Table, name: string): number {
  return columns.findIndex((column) => column.name === name);
}

/**
 * Reads rows until each added column was seen in one of them.
 *
 * @returns why this could not be found out, if so
 * @throws ArtifactError `invalid_argument` if no row has such a column
 */
export async function findUnseen(table: SearchedTable): Promise<PartialReason | undefined> {
  const columns = table.unseenColumns().map((name) => indexIn(table, name));
  if (columns.length === 0) return undefined;
  for await (const _ of table.batches({ columns })) if (table.unseenColumns().length === 0) return undefined;
  const unseen = table.unseenColumns();
  const [first = ""] = unseen;
  if (table.broken()?.reason !== "time") throw noSuchColumn(table, first, unseen);
  return {
    reason: "time",
    message: `The time limit was reached before a row with the column ${quote(first)} was found.`,
  };
}

/** What is told of columns that the rows have and that are not shown, because earlier rows had told the columns. */
export function otherColumns(table: Table): PartialReason | undefined {
  const names = [...(table.laterColumns?.().names ?? [])];
  if (names.length === 0) return undefined;
  const message = `These rows have columns that the first rows have not, and that are shown only if they are named: ${listOf(names, maxOtherNames)}.`;
  return { reason: "size", message };
}

function noSuchColumn(table: Table, name: string, unseen: readonly string[] = []): ArtifactError {
  const known = table.columns.map((column) => column.name).filter((column) => !unseen.includes(column));
  const names = [...known, ...(table.laterColumns?.().names ?? [])];
  const meant = meantName(name, names);
  const which = meant === undefined ? `Its columns are ${listOf(names, maxNames)}.` : `Did you mean ${quote(meant)}?`;
  const message = `The table has no column ${quote(name)}. ${which}`;
  return new ArtifactError("invalid_argument", message, { details: { argument: "columns" } });
}

function listOf(names: readonly string[], most: number): string {
  const rest = names.length > most ? ` and ${names.length - most} more` : "";
  return `${names.slice(0, most).map(quote).join(", ")}${rest}`;
}
