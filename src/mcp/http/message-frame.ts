import type { SerializedMessage } from "../fast-json/fast-json.js";

/** Smaller pieces are joined, so that each write is worth its cost. */
const minPieceBytes = 16 * 1024;

const newline = Buffer.from("\n");

/** A message as it is sent over HTTP. */
export interface Frame {
  readonly pieces: readonly Buffer[];
  /** The length of all pieces together. */
  readonly bytes: number;
  /** Call this when nobody reads the pieces any more: another message may overwrite them. */
  release(): void;
}

/** A message as an event of an event stream. */
export function eventFrame(id: string, { pieces, release }: SerializedMessage): Frame {
  return frame([Buffer.from(`event: message\nid: ${id}\ndata: `), ...pieces, newline], release);
}

/** An event without a message. A client that loses the connection can resume from its id. */
export function primingFrame(id: string): Frame {
  return frame([Buffer.from(`id: ${id}\ndata: \n\n`)]);
}

/** A message as a part of a JSON body. @param separator the text before the message, which may be empty */
export function jsonFrame(separator: string, { pieces, release }: SerializedMessage): Frame {
  return frame(separator === "" ? pieces : [Buffer.from(separator), ...pieces], release);
}

function frame(pieces: readonly Buffer[], release: () => void = () => undefined): Frame {
  const joined = withoutSmallPieces(pieces);
  return { pieces: joined, bytes: bytesOf(joined), release };
}

function withoutSmallPieces(pieces: readonly Buffer[]): Buffer[] {
  const result: Buffer[] = [];
  let small: Buffer[] = [];
  const flush = (): void => {
    if (small.length > 0) result.push(concat(small));
    small = [];
  };
  for (const piece of pieces) {
    if (piece.length < minPieceBytes) {
      small.push(piece);
    } else {
      flush();
      result.push(piece);
    }
  }
  flush();
  return result;
}

/** Copies into memory of its own. A small `Buffer.concat` would keep Node's whole pool in memory. */
function concat(pieces: readonly Buffer[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(bytesOf(pieces));
  let at = 0;
  for (const piece of pieces) at += piece.copy(bytes, at);
  return bytes;
}

function bytesOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}
