import { randomBytes } from "node:crypto";
import type { PieceName } from "../../store/ports/content-store.js";
import { shardOf } from "./shards.js";

const randomPartBytes = 8;
/** `<session>.<start>-<random>` */
const fileNamePattern = /^(.+)\.(\d+-[0-9a-f]{16})$/s;

/** A name that no other piece has. */
export function newPieceName(start: number): string {
  return `${start}-${randomBytes(randomPartBytes).toString("hex")}`;
}

/** A piece's path in `content/`, with a slash. */
export function piecePath({ session, name }: PieceName): string {
  return `${shardOf(session)}/${session}.${name}`;
}

/** The piece that a file of a shard is; undefined if its name is no piece's, or a piece's of another shard. */
export function pieceOf(shard: string, fileName: string): PieceName | undefined {
  const [, session, name] = fileNamePattern.exec(fileName) ?? [];
  if (session === undefined || name === undefined || shardOf(session) !== shard) return undefined;
  return { session, name };
}
