import { defaultPieceLimits } from "../../src/store/model/limits.js";
import { noRowPieces, tinyPieces } from "./stores.js";

/** Where the few bytes of a test lie, for `describe.each`. */
export const pieceKinds = [
  { where: "in rows", pieceLimits: defaultPieceLimits },
  { where: "in the content store", pieceLimits: noRowPieces },
  { where: "in rows, then in the content store", pieceLimits: tinyPieces },
] as const;
