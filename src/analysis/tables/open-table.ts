import { type Detected, detectFormat } from "../formats/detect-format.js";
import type { Run, Source } from "../source.js";
import type { Table } from "./table.js";

/**
 * The table in a content; undefined if the content is none. A table ends its batches when the time of the run is over.
 *
 * @throws the errors of the source
 */
export async function openTable(source: Source, run: Run): Promise<Table | undefined> {
  return openDetectedTable(source, await detectFormat(source), run);
}

/** As `openTable`, for a content whose format is known. The reader of each format is loaded when it is needed first. */
export async function openDetectedTable(source: Source, detected: Detected, run: Run): Promise<Table | undefined> {
  switch (detected.format) {
    case "csv":
    case "tsv":
      return (await import("./text/csv-table.js")).openCsvTable(source, detected, run);
    case "jsonl":
      return (await import("./text/jsonl-table.js")).openJsonlTable(source, detected, run);
    case "json":
      return (await import("./text/json-table.js")).openJsonTable(source, detected, run);
    case "parquet":
      return (await import("./parquet-table.js")).openParquetTable(source, run);
    case "arrow":
      return (await import("./arrow-table.js")).openArrowTable(source, run);
    default:
      return undefined;
  }
}
