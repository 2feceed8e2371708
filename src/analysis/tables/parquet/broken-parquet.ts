import type { PartialReason } from "../../../store/ports/description.js";

/** Why a part of a Parquet file cannot be read. The message is one sentence. */
export class BrokenParquet extends Error {
  override readonly name = "BrokenParquet";
  readonly reason: PartialReason["reason"];

  constructor(message: string, reason: PartialReason["reason"] = "damaged") {
    super(message);
    this.reason = reason;
  }
}
