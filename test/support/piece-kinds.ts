import { defaultPieceLimits } from "../../src/store/model/limits.js";
import { noRowPieces, tinyPieces } from "./stores.js";

/** Limits that decide where the few bytes of a test are stored, for `describe.each`. */
export const pieceKinds = [
  { where: "in rows", pieceLimits: defaultPieceLimits },
  { where: "in the content store", pieceLimits: noRowPieces },
  { where: "in rows, then in the content store", pieceLimits: tinyPieces },
] as const;
