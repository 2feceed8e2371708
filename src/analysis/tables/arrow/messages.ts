import { MessageHeader } from "apache-arrow";
import { DictionaryBatch } from "apache-arrow/fb/dictionary-batch";
import { Message as EncodedMessage } from "apache-arrow/fb/message";
import { RecordBatch } from "apache-arrow/fb/record-batch";
import { ByteBuffer } from "flatbuffers";
import type { Run, Source } from "../../source.js";
import type { FailingSource } from "../read-failure.js";
import { Unreadable } from "../unreadable.js";

/** A message of Arrow's stream format: its metadata after their length, then its body. */
export interface ArrowMessage {
  readonly kind: "schema" | "dictionary" | "batch";
  readonly start: number;
  /** Bytes before the metadata. */
  readonly prefix: number;
  readonly metadataBytes: number;
  readonly bodyBytes: number;
  /** Of a batch. */
  readonly rows: number;
}

/** Where the messages of a content are. */
export interface ArrowMessages {
  /** Dictionaries may follow the batches that need them. */
  readonly isFile: boolean;
  readonly messages: readonly ArrowMessage[];
  /** Why there may be more messages. */
  readonly fault: unknown;
}

export const mostBytes = 32 * 1024 * 1024;
const mostMessages = 100_000;
const mostAnnotations = 1000;
const magic = "ARROW1";

/**
 * Finds the messages of a content in Arrow's stream format or file format, which is a stream between a magic number and a
 * footer. Bodies are not read. https://arrow.apache.org/docs/format/Columnar.html
 */
export async function findMessages(source: FailingSource, run: Run): Promise<ArrowMessages> {
  const begin = textAt(await source.read(0, magic.length));
  if (begin.startsWith("FEA1")) throw new Unreadable("It is a Feather file of version 1.", "unsupported");
  const isFile = begin === magic;
  const messages: ArrowMessage[] = [];
  try {
    const { end, fault } = isFile ? await endOfStream(source) : { end: source.bytes, fault: undefined };
    for await (const message of messagesIn(source, isFile ? 8 : 0, end)) {
      messages.push(message);
      if (run.isOver()) throw new Unreadable("The time was over.", "time");
      if (messages.length >= mostMessages) throw new Unreadable(`It has more than ${mostMessages} batches.`, "size");
    }
    return { isFile, messages, fault };
  } catch (error) {
    return { isFile, messages, fault: source.failureOr(error) };
  }
}

/** Where the footer of a file begins. Without a footer its messages can be read nevertheless. */
async function endOfStream(source: Source): Promise<{ end: number; fault: Unreadable | undefined }> {
  const tail = await source.read(Math.max(0, source.bytes - 10), 10);
  const length = tail.length === 10 ? viewOf(tail).getInt32(0, true) : -1;
  if (textAt(tail.subarray(4)) === magic && length > 0 && length <= source.bytes - 18) {
    return { end: source.bytes - 10 - length, fault: undefined };
  }
  return { end: source.bytes, fault: new Unreadable("It does not end as an Arrow file does: its footer is missing.") };
}

async function* messagesIn(source: Source, start: number, end: number): AsyncGenerator<ArrowMessage> {
  for (let at = start; at < end; ) {
    const { prefix, metadataBytes } = await headAt(source, at, end);
    if (metadataBytes === 0) return;
    const metadata = await source.read(at + prefix, metadataBytes);
    const { kind, bodyBytes, rows } = messageIn(metadata);
    const next = at + prefix + metadataBytes + bodyBytes;
    if (next > end) throw new Unreadable("A message is longer than the content.");
    if (kind !== undefined) yield { kind, start: at, prefix, metadataBytes, bodyBytes, rows };
    at = next;
  }
}

/** The length of a message's metadata, and how many bytes say it. A length of 0 ends the stream. */
async function headAt(source: Source, at: number, end: number): Promise<{ prefix: number; metadataBytes: number }> {
  const head = viewOf(await source.read(at, Math.min(8, end - at)));
  // Before version 0.15 there was no mark before the length.
  const prefix = head.byteLength >= 4 && head.getInt32(0, true) === -1 ? 8 : 4;
  if (head.byteLength < prefix) throw new Unreadable("A message breaks off.");
  const metadataBytes = head.getInt32(prefix - 4, true);
  if (metadataBytes < 0 || metadataBytes > end - at - prefix)
    throw new Unreadable("A message is longer than the content.");
  if (metadataBytes > mostBytes) throw new Unreadable(`A message has metadata of ${metadataBytes} bytes.`, "size");
  return { prefix, metadataBytes };
}

function messageIn(metadata: Uint8Array): { kind: ArrowMessage["kind"] | undefined; bodyBytes: number; rows: number } {
  const message = EncodedMessage.getRootAsMessage(new ByteBuffer(metadata));
  const type = message.headerType();
  const bodyBytes = numberOf(message.bodyLength());
  if (type === MessageHeader.Schema) return { kind: "schema", bodyBytes, rows: 0 };
  if (type === MessageHeader.DictionaryBatch) return { kind: "dictionary", bodyBytes, rows: 0 };
  if (type !== MessageHeader.RecordBatch) return { kind: undefined, bodyBytes, rows: 0 };
  const batch: RecordBatch | null = message.header(new RecordBatch());
  return { kind: "batch", bodyBytes, rows: numberOf(batch?.length()) };
}

/** The record batch in the metadata of a message; that of a dictionary has one too. */
export function recordBatchIn(metadata: Uint8Array): RecordBatch {
  const message = EncodedMessage.getRootAsMessage(new ByteBuffer(metadata));
  if (hasOlderCompression(message)) {
    throw new Unreadable("It is compressed in the way of Feather files before 2020.", "unsupported");
  }
  const isDictionary = message.headerType() === MessageHeader.DictionaryBatch;
  const dictionary: DictionaryBatch | null = isDictionary ? message.header(new DictionaryBatch()) : null;
  const batch: RecordBatch | null = isDictionary ? (dictionary?.data() ?? null) : message.header(new RecordBatch());
  if (batch === null) throw new Unreadable("A message has no batch.");
  return batch;
}

/** Before there was a field for it, pyarrow 0.17 named the compression of a batch in its metadata. */
function hasOlderCompression(message: EncodedMessage): boolean {
  if (message.customMetadataLength() > mostAnnotations)
    throw new Unreadable("A batch has too many annotations.", "size");
  for (let index = 0; index < message.customMetadataLength(); index++) {
    if (message.customMetadata(index)?.key() === "ARROW:experimental_compression") return true;
  }
  return false;
}

export function numberOf(value: bigint | undefined): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Unreadable("A message has no valid length.");
}

function textAt(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
