import { createHash } from "node:crypto";
import { millisecondsOf } from "./rounds.mjs";

/** A body that consists of `piece`, repeated `times` times. @typedef {{ piece: Buffer, times: number }} Body */

/** Returns the SHA-256 of a body in hex. @param {Body} body */
export function digestOf({ piece, times }) {
  const hash = createHash("sha256");
  for (let n = 0; n < times; n += 1) hash.update(piece);
  return hash.digest("hex");
}

/** Returns the MB a second of the digest alone, on one processor. A program that digests all bytes cannot be faster. @param {Body} body */
export async function digestThroughput(body) {
  const ms = await millisecondsOf(async () => digestOf(body));
  return (body.piece.length * body.times) / 1e3 / ms;
}
