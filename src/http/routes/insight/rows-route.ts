import { z } from "zod";
import { partial } from "../../../api/description-schema.js";
import { artifact, version } from "../../../api/schemas.js";
import type { Found } from "../../../store/insight/insight.js";
import { ArtifactError } from "../../../store/model/errors.js";
import type { RowsPage } from "../../../store/ports/description.js";
import type { Answer } from "../../message/exchange.js";
import type { HeaderValues } from "../../message/http-error.js";
import type { Route } from "../../route.js";
import { readQuery } from "../read-query.js";
import { lookInto } from "./look-into.js";
import { prefersCsv } from "./prefers-csv.js";
import { rowsAsCsv } from "./rows-as-csv.js";

const maxRows = 10_000;
/** Most characters of CSV on a page. */
const maxChars = 1024 * 1024;
const maxColumns = 1_000;

const rowsQuery = z.strictObject({
  version,
  columns: z
    .array(z.string())
    .max(maxColumns)
    .optional()
    .meta({ description: "A column, repeated for each one, in the order of the answer. All columns if left out." }),
  row: z
    .int()
    .refine((row) => row !== 0, "a whole number other than 0")
    .optional()
    .meta({ description: "The first row, from 1. A negative number counts from the end: -1 is the last row." }),
  rows: z
    .int()
    .min(-maxRows)
    .max(maxRows)
    .refine((rows) => rows !== 0, "a whole number other than 0")
    .default(maxRows)
    .meta({ description: "Rows on a page. A negative number, without row, asks for the last rows." }),
  format: z.enum(["json", "csv"]).optional().meta({ description: "By default, what Accept prefers." }),
});

const rowsAnswer = artifact.pick({ bucket: true, key: true, version: true }).extend({
  columns: z.array(z.string()),
  first: z.int().min(0).meta({ description: "Number of the first row; 0 if there is none." }),
  last: z.int().min(0),
  total: z.int().min(0).optional().meta({ description: "Rows of the table, if their number is known." }),
  more: z.boolean().meta({ description: "Rows follow. Link has the URL of the next page." }),
  csv: z.string().meta({ description: "A header line, and a line for each row." }),
  omitted_columns: z.int().optional().meta({ description: "Columns that were left out, as the page had no room." }),
  cut: z.int().optional().meta({ description: "Cells that were cut, as each alone was too long for the page." }),
  cut_columns: z.array(z.string()).optional().meta({ description: "The columns of these cells." }),
  partial: partial.optional(),
});

type RowsQuery = z.output<typeof rowsQuery>;

export const rowsRoute: Route = {
  method: "GET",
  path: "/v1/rows/{bucket}/{key}",
  right: "token",
  isWriting: false,
  operation: {
    id: "readRows",
    summary: "Read rows of a table (CSV, TSV, JSONL, JSON arrays of objects, Parquet, Arrow) as CSV",
    description:
      "The field Link has the URL of the next page, if rows follow. The numbers of the rows are in the body; of CSV, they are in the field Rows (a Dictionary of RFC 9651).",
    query: rowsQuery,
    headers: { Accept: "text/csv for the CSV alone" },
    answers: { 200: { description: "A page of rows", json: rowsAnswer, csv: true } },
  },
  async handle(context, exchange, { bucket = "", key = "" }) {
    const asked = readQuery(exchange, rowsQuery);
    const { version, columns, row, rows } = asked;
    if (row !== undefined && rows < 0) throw negativeRows();
    const page = await lookInto(context, exchange, (signal) =>
      context.store.insight.rows({ bucket, key, version }, { columns, row, rows, chars: maxChars }, signal),
    );
    const isCsv = asked.format === undefined ? prefersCsv(exchange.header("accept")) : asked.format === "csv";
    return isCsv ? rowsAsCsv(page, linkToNext(page, asked)) : rowsAsJson(page, linkToNext(page, asked));
  },
};

function rowsAsJson({ artifact, ...page }: Found<RowsPage>, headers: HeaderValues): Answer {
  const { bucket, key, version } = artifact;
  return { status: 200, headers, body: { bucket, key, version, ...page } };
}

/** The URL of the next page of the same version (RFC 8288), relative to the URL of this one. */
function linkToNext(page: Found<RowsPage>, { columns = [], rows, format }: RowsQuery): HeaderValues {
  if (!page.more || page.last === 0) return {};
  const query = new URLSearchParams({
    version: String(page.artifact.version),
    row: String(page.last + 1),
    rows: String(Math.abs(rows)),
    ...(format && { format }),
  });
  for (const column of columns) query.append("columns", column);
  return { link: `<?${query}>; rel="next"` };
}

function negativeRows(): ArtifactError {
  const message = "A negative number of rows asks for the last rows, and takes no row: give one of the two.";
  return new ArtifactError("invalid_argument", message, { details: { argument: "rows" } });
}
