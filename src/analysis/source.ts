import type { PartialReason } from "../store/ports/description.js";

/** A content as analyses read it. */
export interface Source {
  readonly key: string;
  readonly mimeType: string;
  readonly bytes: number;
  /**
   * Bytes `[start, start + length)`, fewer only at the end of the content. The caller may keep them.
   *
   * @throws AnalysisStopped if the memory is used up, also by a read of more than half of it
   */
  read(start: number, length: number): Promise<Uint8Array>;
}

/** What an analysis knows of its run. */
export interface Run {
  /**
   * Whether the time is over. A long loop asks every few milliseconds, ends, and says so in `partial`.
   *
   * @throws AnalysisStopped if the memory is used up
   */
  isOver(): boolean;
  /** Keeps what is known so far, for the case that the run is stopped by a limit. */
  report(known: unknown): void;
}

/** Bytes that one step of a stream reads. */
export const blockBytes = 1024 * 1024;

/** Bytes `[start, end)` in blocks. Each block is read while the caller uses the one before. */
export async function* blocksOf(
  source: Source,
  start = 0,
  end = source.bytes,
): AsyncGenerator<Uint8Array, void, undefined> {
  let next = start < end ? source.read(start, Math.min(blockBytes, end - start)) : undefined;
  next?.catch(() => undefined); // the caller gets the error when it asks for this block
  for (let at = start; next !== undefined; ) {
    const block = await next;
    if (block.length === 0) return;
    at += block.length;
    next = at < end ? source.read(at, Math.min(blockBytes, end - at)) : undefined;
    next?.catch(() => undefined);
    yield block;
  }
}

/** That the time limit was reached. @param what what was looked at, as "the first 35,000,000 bytes" */
export function timeIsOver(what: string): PartialReason {
  return { reason: "time", message: `The time limit was reached after ${what}.` };
}
