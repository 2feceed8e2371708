import { createHash } from "node:crypto";
import { millisecondsOf } from "./rounds.mjs";

/** A body: `piece`, `times` times. @typedef {{ piece: Buffer, times: number }} Body */

/** @param {Body} body its SHA-256, in hex */
export function digestOf({ piece, times }) {
  const hash = createHash("sha256");
  for (let n = 0; n < times; n += 1) hash.update(piece);
  return hash.digest("hex");
}

/** MB a second of the digest alone, on one processor: whoever checks all bytes in order cannot be faster. @param {Body} body */
export async function digestThroughput(body) {
  const ms = await millisecondsOf(async () => digestOf(body));
  return (body.piece.length * body.times) / 1e3 / ms;
}
