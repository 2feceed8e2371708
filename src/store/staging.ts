import { createHash, type Hash } from "node:crypto";
import type { BlobStore, SegmentWriter } from "./blob-store.js";
import { ArtifactError } from "./errors.js";
import { copyBlockBytes, maxOpenSegments, maxSegments } from "./limits.js";
import type { Log } from "./log.js";
import type { SessionRecord } from "./rows.js";

type Segments = SessionRecord["segments"];

/** Durable bytes that no row counts yet. */
export interface StagedBytes {
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

/** This process's part in the staged bytes of uploads: the segments that it alone writes, kept open between calls. */
export interface Staging {
  /**
   * Writes bytes that follow what the row counts, durably. Undefined where a segment that the record names is gone:
   * the record is out of date, or the store is damaged.
   */
  stage(session: SessionRecord, bytes: Uint8Array): Promise<StagedBytes | undefined>;
  /** Undefined as for `stage`. */
  seal(session: SessionRecord): Promise<SealedFile | undefined>;
  /** Bytes that the record counts; undefined as for `stage`. */
  read(session: SessionRecord, start: number, length: number): Promise<Uint8Array | undefined>;
  /** Closes the session's segment, if this process has one open. */
  forget(session: string): Promise<void>;
  close(): Promise<void>;
}

interface OwnSegment {
  readonly writer: SegmentWriter;
  /** Of the bytes from the segment's start. */
  readonly hash: Hash;
  /** Bytes of it that a row counts. */
  bytes: number;
}

export function createStaging(blobs: BlobStore, log: Log): Staging {
  /** In the order of their last use. */
  const own = new Map<string, OwnSegment>();

  async function forget(session: string): Promise<void> {
    const segment = own.get(session);
    if (segment === undefined) return;
    own.delete(session);
    await closeQuietly(segment.writer, session);
  }

  /** What was acknowledged of a segment is durable already, so a failing close loses nothing. */
  async function closeQuietly(writer: SegmentWriter, session: string): Promise<void> {
    await writer.close().catch((error) => log("warn", "segment_close_failed", { session, error: String(error) }));
  }

  /** The segment that this process may append to: the row's last one, where it is its own and unharmed. */
  function current({ id, segments }: SessionRecord): OwnSegment | undefined {
    const segment = own.get(id);
    const last = segments.at(-1);
    return segment && segment.writer.name === last?.name && segment.bytes === last.bytes ? segment : undefined;
  }

  /**
   * The segment to append to, taken out of `own` until the caller remembers it again; the segments before it; and
   * the names of those that it is a copy of.
   */
  async function checkOut(
    session: SessionRecord,
  ): Promise<{ segment: OwnSegment; before: Segments; replaced: string[] } | undefined> {
    const mine = current(session);
    if (mine !== undefined) {
      own.delete(session.id);
      return { segment: mine, before: session.segments.slice(0, -1), replaced: [] };
    }
    await forget(session.id);
    if (session.segments.length < maxSegments) {
      return { segment: await begin(session.id, session.offset), before: session.segments, replaced: [] };
    }
    const segment = await copy(session);
    return segment && { segment, before: [], replaced: session.segments.map(({ name }) => name) };
  }

  async function begin(session: string, start: number): Promise<OwnSegment> {
    return { writer: await blobs.createSegment(session, start), hash: createHash("sha256"), bytes: 0 };
  }

  async function remember(session: string, segment: OwnSegment): Promise<void> {
    own.delete(session);
    own.set(session, segment);
    const [oldest] = own.keys();
    if (own.size > maxOpenSegments && oldest !== undefined) await forget(oldest);
  }

  /** Hands the counted bytes of `[start, start + length)` to `take`, in order; false where a segment is gone. */
  async function eachBlock(
    session: SessionRecord,
    range: { start: number; length: number },
    take: (block: Uint8Array) => Promise<void> | void,
  ): Promise<boolean> {
    const end = range.start + range.length;
    let begins = 0;
    for (const { name, bytes } of session.segments) {
      const from = Math.max(range.start - begins, 0);
      const to = Math.min(end - begins, bytes);
      begins += bytes;
      if (from >= to) continue;
      const reader = await blobs.openSegment(session.id, name);
      if (reader === undefined) return false;
      try {
        for (let at = from; at < to; ) {
          const block = await reader.read(at, Math.min(copyBlockBytes, to - at));
          if (block.length === 0) throw missingSegment(session, name);
          await take(block);
          at += block.length;
        }
      } finally {
        await reader.close();
      }
    }
    return true;
  }

  /** A new segment that holds all counted bytes. */
  async function copy(session: SessionRecord): Promise<OwnSegment | undefined> {
    const target = await begin(session.id, 0);
    try {
      const whole = await eachBlock(session, { start: 0, length: session.offset }, async (block) => {
        await target.writer.write(block);
        target.hash.update(block);
      });
      if (whole) {
        await target.writer.sync();
        target.bytes = session.offset;
        return target;
      }
    } catch (error) {
      await discard(session.id, target.writer);
      throw error;
    }
    await discard(session.id, target.writer);
    return undefined;
  }

  async function discard(session: string, writer: SegmentWriter): Promise<void> {
    await closeQuietly(writer, session);
    await removeQuietly(session, [writer.name]);
  }

  /** Segments that no row names: one that stays behind is the sweep's. */
  async function removeQuietly(session: string, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await blobs
      .removeSegments(session, names)
      .catch((error) => log("warn", "segments_left_behind", { session, names, error: String(error) }));
  }

  return {
    async stage(session, bytes) {
      const { id } = session;
      const target = await checkOut(session);
      if (target === undefined) return undefined;
      const { segment, before, replaced } = target;
      const { writer, hash } = segment;
      const isNamed = session.segments.some(({ name }) => name === writer.name);
      try {
        await writer.write(bytes);
        await writer.sync();
      } catch (error) {
        await (isNamed ? closeQuietly(writer, id) : discard(id, writer));
        throw error;
      }
      const counted = segment.bytes + bytes.length;
      return {
        segments: [...before, { name: writer.name, bytes: counted }],
        async keep() {
          hash.update(bytes);
          await remember(id, { writer, hash, bytes: counted });
          await removeQuietly(id, replaced);
        },
        async giveBack() {
          if (!isNamed) return discard(id, writer);
          try {
            await writer.truncate(segment.bytes);
          } finally {
            await closeQuietly(writer, id);
          }
        },
        leave: () => closeQuietly(writer, id),
      };
    },

    async seal(session) {
      const segment = current(session);
      if (segment !== undefined && session.segments.length === 1) {
        return { name: segment.writer.name, sha256: segment.hash.copy().digest("hex"), copied: false };
      }
      const whole = await copy(session);
      if (whole === undefined) return undefined;
      await closeQuietly(whole.writer, session.id);
      return { name: whole.writer.name, sha256: whole.hash.digest("hex"), copied: true };
    },

    async read(session, start, length) {
      const blocks: Uint8Array[] = [];
      const whole = await eachBlock(session, { start, length }, (block) => void blocks.push(block));
      return whole ? Buffer.concat(blocks) : undefined;
    },

    forget,

    async close() {
      for (const session of [...own.keys()]) await forget(session);
    },
  };
}

/** Bytes that a row counts are not on the disk. */
export function missingSegment({ id, bucket, key }: SessionRecord, segment: string): ArtifactError {
  return new ArtifactError(
    "corrupt",
    "Stored bytes of this upload are missing from the disk. Abort the session with abort_upload_session and upload again.",
    { session_id: id, bucket, key, segment },
  );
}
