import { shorten } from "../../store/model/quote.js";
import type { PartialReason } from "../../store/ports/description.js";
import type { Batch, Table } from "./table.js";

/** Why a part of a Parquet or Arrow file cannot be read. The message is one sentence. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
  readonly reason: PartialReason["reason"];

  constructor(message: string, reason: PartialReason["reason"] = "damaged") {
    super(message);
    this.reason = reason;
  }
}

function isTimeOver(error: unknown): error is Unreadable {
  return error instanceof Unreadable && error.reason === "time";
}

/**
 * What an error says to a caller. The libraries throw errors of many kinds for damaged bytes.
 *
 * @param what what cannot be read, as the beginning of a sentence
 */
export function unreadablePart(what: string, error: unknown): PartialReason {
  if (isTimeOver(error)) return { reason: "time", message: error.message }; // this is no fault of the part
  if (error instanceof Unreadable) return { reason: error.reason, message: `${what}: ${error.message}` };
  const why = error instanceof Error ? error.message : String(error);
  return { reason: "damaged", message: `${what}: its bytes are damaged (${shorten(why)}).` };
}

/** A table of which nothing can be read. */
export function brokenTable(format: Table["format"], fault: PartialReason): Table {
  return { format, columns: [], batches: noBatches, broken: () => fault };
}

async function* noBatches(): AsyncGenerator<Batch, void, undefined> {
  // there are none
}
