import { createHash, type Hash } from "node:crypto";
import type { BlobStore, SegmentWriter } from "./blob-store.js";
import { ArtifactError } from "./errors.js";
import { copyBlockBytes, maxOpenSegments, maxSegments } from "./limits.js";
import type { Log } from "./log.js";
import type { SessionRecord } from "./rows.js";

type Segments = SessionRecord["segments"];

/**
 * Bytes that follow what a row counts, and that no row counts yet. They are written, synced, and then exactly one of
 * `keep`, `giveBack` and `leave` ends it. A `write` or `sync` that fails has ended it too: the bytes are gone.
 */
export interface Stage {
  /** Bytes written so far. */
  readonly bytes: number;
  /** The bytes must stay as they are until `sync` has resolved. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes what was written durable. */
  sync(): Promise<void>;
  /** What the session's row has to say for them to count. */
  readonly segments: Segments;
  /** The row says so now. */
  keep(): Promise<void>;
  /** The row was lost to somebody else: the bytes are cut off again, and the segment is not written any more. */
  giveBack(): Promise<void>;
  /** Whether the row was changed is not known: the segment stays as it is and is not written any more. */
  leave(): Promise<void>;
}

/** One file that holds exactly a session's bytes. */
export interface SealedFile {
  readonly name: string;
  readonly sha256: string;
  /** Whether it is a copy, to be removed where the row does not come to name it. */
  readonly copied: boolean;
}

interface OwnSegment {
  readonly writer: SegmentWriter;
  /** Of the bytes from the segment's start. */
  readonly hash: Hash;
  /** Bytes of it that a row counts. */
  readonly bytes: number;
}

/**
 * This process's part in the staged bytes of uploads: the segments that it alone writes, kept open between calls.
 *
 * Where a method answers undefined, a segment that the record names is gone: the record is out of date, or the store
 * is damaged.
 */
export class Staging {
  readonly #blobs: BlobStore;
  readonly #log: Log;
  /** In the order of their last use. */
  readonly #own = new Map<string, OwnSegment>();

  constructor(blobs: BlobStore, log: Log) {
    this.#blobs = blobs;
    this.#log = log;
  }

  /** The place for the bytes that follow what the record counts, nobody else's until it has ended. */
  async begin(session: SessionRecord): Promise<Stage | undefined> {
    const { id } = session;
    const target = await this.#checkOut(session);
    if (target === undefined) return undefined;
    const { segment, before, replaced } = target;
    const { writer, hash } = segment;
    const isNamed = session.segments.some(({ name }) => name === writer.name);
    const orEnd = async (attempt: Promise<void>): Promise<void> => {
      try {
        await attempt;
      } catch (error) {
        await (isNamed ? this.#closeQuietly(id, writer) : this.#discard(id, writer));
        throw error;
      }
    };
    let staged = 0;
    // Digested while the disk is busy with it.
    let undigested: Uint8Array | undefined;
    const digest = (): void => {
      if (undigested !== undefined) hash.update(undigested);
      undigested = undefined;
    };
    return {
      get bytes() {
        return staged;
      },
      async write(bytes) {
        for (let at = 0; at < bytes.length; at += copyBlockBytes) {
          const part = bytes.subarray(at, at + copyBlockBytes);
          const written = orEnd(writer.write(part));
          digest();
          undigested = part;
          staged += part.length;
          await written;
        }
      },
      async sync() {
        const synced = orEnd(writer.sync());
        digest();
        await synced;
      },
      get segments() {
        return [...before, { name: writer.name, bytes: segment.bytes + staged }];
      },
      keep: async () => {
        await this.#remember(id, { writer, hash, bytes: segment.bytes + staged });
        await this.remove(id, replaced);
      },
      giveBack: async () => {
        if (isNamed) await writer.truncate(segment.bytes).finally(() => this.#closeQuietly(id, writer));
        else await this.#discard(id, writer);
      },
      leave: () => this.#closeQuietly(id, writer),
    };
  }

  /** One file with all that the record counts. */
  async seal(session: SessionRecord): Promise<SealedFile | undefined> {
    const segment = this.#current(session);
    if (segment !== undefined && session.segments.length === 1) {
      return { name: segment.writer.name, sha256: segment.hash.copy().digest("hex"), copied: false };
    }
    const whole = await this.#copy(session);
    if (whole === undefined) return undefined;
    await this.#closeQuietly(session.id, whole.writer);
    return { name: whole.writer.name, sha256: whole.hash.digest("hex"), copied: true };
  }

  /** Bytes that the record counts. */
  async read(session: SessionRecord, start: number, length: number): Promise<Uint8Array | undefined> {
    const blocks: Uint8Array[] = [];
    for (const part of partsOf(session, start, length)) {
      const isThere = await this.#eachBlock(session, part, (block) => void blocks.push(block));
      if (!isThere) return undefined;
    }
    return Buffer.concat(blocks);
  }

  /** Removes segments that no row names any more: one that stays behind is the sweep's. */
  async remove(session: string, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#blobs
      .removeSegments(session, names)
      .catch((error) => this.#log("warn", "segments_left_behind", { session, names, error: String(error) }));
  }

  /** Closes the session's segment, if this process has one open: it is not written any more. */
  async forget(session: string): Promise<void> {
    const segment = this.#own.get(session);
    if (segment === undefined) return;
    this.#own.delete(session);
    await this.#closeQuietly(session, segment.writer);
  }

  async close(): Promise<void> {
    for (const session of [...this.#own.keys()]) await this.forget(session);
  }

  /** The segment that this process may append to: the row's last one, where it is its own and unharmed. */
  #current({ id, segments }: SessionRecord): OwnSegment | undefined {
    const segment = this.#own.get(id);
    const last = segments.at(-1);
    return segment && segment.writer.name === last?.name && segment.bytes === last.bytes ? segment : undefined;
  }

  /**
   * The segment to append to, not this process's own again before it is remembered; the segments before it; and the
   * names of those that it is a copy of.
   */
  async #checkOut(
    session: SessionRecord,
  ): Promise<{ segment: OwnSegment; before: Segments; replaced: string[] } | undefined> {
    const mine = this.#current(session);
    if (mine !== undefined) {
      this.#own.delete(session.id);
      return { segment: mine, before: session.segments.slice(0, -1), replaced: [] };
    }
    await this.forget(session.id);
    if (session.segments.length < maxSegments) {
      return { segment: await this.#begin(session.id, session.offset), before: session.segments, replaced: [] };
    }
    const segment = await this.#copy(session);
    return segment && { segment, before: [], replaced: session.segments.map(({ name }) => name) };
  }

  async #begin(session: string, start: number): Promise<OwnSegment> {
    return { writer: await this.#blobs.createSegment(session, start), hash: createHash("sha256"), bytes: 0 };
  }

  async #remember(session: string, segment: OwnSegment): Promise<void> {
    this.#own.set(session, segment);
    const [oldest] = this.#own.keys();
    if (this.#own.size > maxOpenSegments && oldest !== undefined) await this.forget(oldest);
  }

  /** A new segment that holds all counted bytes, durably. */
  async #copy(session: SessionRecord): Promise<OwnSegment | undefined> {
    const { writer, hash } = await this.#begin(session.id, 0);
    let isWhole = false;
    try {
      isWhole = await this.#copyInto(session, async (block) => {
        await writer.write(block);
        hash.update(block);
      });
      if (isWhole) await writer.sync();
    } catch (error) {
      await this.#discard(session.id, writer);
      throw error;
    }
    if (isWhole) return { writer, hash, bytes: session.offset };
    await this.#discard(session.id, writer);
    return undefined;
  }

  async #copyInto(session: SessionRecord, take: (block: Uint8Array) => Promise<void>): Promise<boolean> {
    for (const part of partsOf(session, 0, session.offset)) {
      if (!(await this.#eachBlock(session, part, take))) return false;
    }
    return true;
  }

  /** Hands the bytes of a part to `take`, in order; false where its segment is gone. */
  async #eachBlock(
    session: SessionRecord,
    { name, from, to }: Part,
    take: (block: Uint8Array) => Promise<void> | void,
  ): Promise<boolean> {
    const reader = await this.#blobs.openSegment(session.id, name);
    if (reader === undefined) return false;
    try {
      for (let at = from; at < to; ) {
        const block = await reader.read(at, Math.min(copyBlockBytes, to - at));
        if (block.length === 0) throw missingSegment(session, name);
        await take(block);
        at += block.length;
      }
      return true;
    } finally {
      await reader.close();
    }
  }

  async #discard(session: string, writer: SegmentWriter): Promise<void> {
    await this.#closeQuietly(session, writer);
    await this.remove(session, [writer.name]);
  }

  /** What was acknowledged of a segment is durable already, so a failing close loses nothing. */
  async #closeQuietly(session: string, writer: SegmentWriter): Promise<void> {
    await writer.close().catch((error) => this.#log("warn", "segment_close_failed", { session, error: String(error) }));
  }
}

/** Bytes `[from, to)` of one segment. */
interface Part {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** Where bytes `[start, start + length)` of the content lie. */
function partsOf({ segments }: SessionRecord, start: number, length: number): Part[] {
  const parts: Part[] = [];
  let begins = 0;
  for (const { name, bytes } of segments) {
    const from = Math.max(start - begins, 0);
    const to = Math.min(start + length - begins, bytes);
    if (from < to) parts.push({ name, from, to });
    begins += bytes;
  }
  return parts;
}

/** Bytes that a row counts are not on the disk. */
export function missingSegment({ id, bucket, key }: SessionRecord, segment: string): ArtifactError {
  return new ArtifactError(
    "corrupt",
    "Stored bytes of this upload are missing from the disk. Abort the session with abort_upload_session and upload again.",
    { session_id: id, bucket, key, segment },
  );
}
