import { randomBytes } from "node:crypto";
import type { PieceName } from "../../store/ports/content-store.js";
import { shardOf } from "./shards.js";

const randomPartBytes = 8;
/** `<session>.<start>-<random>` */
const fileNamePattern = /^(.+)\.(\d+-[0-9a-f]{16})$/s;

/** A new name, different from that of every other piece: `<start>-<random>`. */
export function newPieceName(start: number): string {
  return `${start}-${randomBytes(randomPartBytes).toString("hex")}`;
}

/** The path of a piece below `content/`, with slashes. */
export function piecePath({ session, name }: PieceName): string {
  return `${shardOf(session)}/${session}.${name}`;
}

/** The piece that a file name stands for; undefined if it is not the name of a piece of this shard. */
export function pieceOf(shard: string, fileName: string): PieceName | undefined {
  const [, session, name] = fileNamePattern.exec(fileName) ?? [];
  if (session === undefined || name === undefined || shardOf(session) !== shard) return undefined;
  return { session, name };
}
