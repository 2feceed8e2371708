import { createGunzip } from "node:zlib";
import { decoderOf } from "../../store/model/formats/text-encoding.js";
import { blocksOf, type Source } from "../source.js";
import type { Detected } from "./detect-format.js";

/** Compressed content breaks off, or is damaged. */
export class BrokenContentError extends Error {
  override readonly name = "BrokenContentError";
  /** Bytes that came out before. */
  readonly bytesRead: number;

  constructor(message: string, bytesRead: number, cause: unknown) {
    super(message, { cause });
    this.bytesRead = bytesRead;
  }
}

/**
 * The bytes of the content, out of its compression, in blocks of at most 1 MiB.
 *
 * @throws BrokenContentError after all bytes that could be unpacked; the errors of the source
 */
export function plainBytes(
  source: Source,
  detected: Pick<Detected, "compression">,
): AsyncGenerator<Uint8Array, void, undefined> {
  return detected.compression === "gzip" ? unpacked(source) : blocksOf(source);
}

/**
 * The text of the content in parts, without a byte order mark. What is no character becomes U+FFFD.
 *
 * @throws BrokenContentError after all text that could be unpacked; the errors of the source
 */
export async function* decodedText(
  source: Source,
  detected: Pick<Detected, "compression" | "encoding">,
): AsyncGenerator<string, void, undefined> {
  const decode = decoderOf(detected.encoding ?? "utf-8");
  try {
    for await (const block of plainBytes(source, detected)) yield decode(block);
  } catch (error) {
    if (error instanceof BrokenContentError) yield decode();
    throw error;
  }
  yield decode();
}

/** Bytes that the decompressor is given at once: at 1,000 to 1 they become 64 MiB, of which it holds one part. */
const inputBytes = 64 * 1024;
const outputBytes = 256 * 1024;
/** What comes out of a part of the input is lost if the part is damaged, so smaller parts are tried then. */
const partSizes = [inputBytes, 256, 1];
/** Content is unpacked again only if it is so small that this takes no second. */
const maxAgainBytes = 256 * 1024 * 1024;

/** Where the decompressor is. */
interface Progress {
  /** Bytes of the input that it took without an error. */
  bytesTaken: number;
  /** Bytes that came out. */
  bytesRead: number;
}

/**
 * Several gzip files in a row are one content: RFC 1952, section 2.2. What follows them and is none is ignored, as gzip
 * itself does.
 */
async function* unpacked(source: Source): AsyncGenerator<Uint8Array, void, undefined> {
  const done: Progress = { bytesTaken: 0, bytesRead: 0 };
  let failure: unknown;
  for (const size of partSizes) {
    failure = yield* unpackedFrom(source, done, size);
    if (!isDamage(failure) || done.bytesRead > maxAgainBytes) break;
  }
  if (failure === undefined || isTrailing(failure, done)) return;
  if (isCut(failure) && done.bytesRead <= maxAgainBytes) {
    // One byte behind the end, as a line feed, could be the first of a header.
    const withoutLast: Source = {
      key: source.key,
      mimeType: source.mimeType,
      bytes: source.bytes - 1,
      read: (start, length) => source.read(start, length),
    };
    if ((yield* unpackedFrom(withoutLast, done, inputBytes)) === undefined) return;
  }
  throw broken(failure, done.bytesRead);
}

const isDamage = (failure: unknown): boolean => (failure as { code?: unknown } | undefined)?.code === "Z_DATA_ERROR";

const isCut = (failure: unknown): boolean => (failure as { code?: unknown }).code === "Z_BUF_ERROR";

/** The content begins with the right header, so a wrong one is behind the first gzip file. */
function isTrailing(failure: unknown, { bytesRead }: Progress): boolean {
  return isDamage(failure) && (failure as Error).message === "incorrect header check" && bytesRead <= maxAgainBytes;
}

/**
 * What comes out behind what has come out before.
 *
 * @param size of the parts behind the bytes that were taken before
 * @returns why the decompressor failed, if it did
 */
async function* unpackedFrom(
  source: Source,
  done: Progress,
  size: number,
): AsyncGenerator<Uint8Array, unknown, undefined> {
  const gunzip = createGunzip({ chunkSize: outputBytes });
  let wake = () => undefined as unknown;
  let failure: unknown;
  let sourceFailed = false;
  for (const event of ["readable", "end", "close"]) gunzip.on(event, () => wake());
  gunzip.on("error", (error) => {
    failure ??= error;
    wake();
  });
  const feeding = feed(source, gunzip, done, size).catch((error: unknown) => {
    if (failure === undefined) sourceFailed = true;
    failure ??= error;
    wake();
  });
  let known = done.bytesRead;
  try {
    for (;;) {
      const block = gunzip.read() as Buffer | null; // also what came out before an error
      if (block !== null) {
        const isKnown = Math.min(known, block.length);
        known -= isKnown;
        done.bytesRead += block.length - isKnown;
        if (isKnown < block.length) yield block.subarray(isKnown);
      } else if (failure !== undefined || gunzip.readableEnded) break;
      else {
        await new Promise<unknown>((resolve) => {
          wake = () => resolve(undefined);
        });
      }
    }
  } finally {
    gunzip.destroy();
    await feeding;
  }
  if (sourceFailed) throw failure;
  return failure;
}

/** Ends the stream only after the last bytes are through, or an end that is missing would take them with it. */
async function feed(
  source: Source,
  gunzip: ReturnType<typeof createGunzip>,
  done: Progress,
  size: number,
): Promise<void> {
  const slowFrom = done.bytesTaken;
  let position = 0;
  for await (const block of blocksOf(source)) {
    for (let at = 0; at < block.length; ) {
      const length = position < slowFrom ? Math.min(inputBytes, slowFrom - position) : size;
      const part = block.subarray(at, at + length);
      await new Promise<void>((resolve) => {
        gunzip.once("close", resolve);
        gunzip.write(part, () => {
          gunzip.off("close", resolve);
          resolve();
        });
      });
      if (gunzip.destroyed) return;
      at += part.length;
      position += part.length;
      done.bytesTaken = Math.max(done.bytesTaken, position);
    }
  }
  gunzip.end();
}

function broken(cause: unknown, bytesRead: number): BrokenContentError {
  const what = isCut(cause) ? "breaks off" : "is damaged";
  return new BrokenContentError(`The gzip data ${what} after ${bytesRead} unpacked bytes.`, bytesRead, cause);
}
