import { MessageHeader } from "apache-arrow";
import { DictionaryBatch } from "apache-arrow/fb/dictionary-batch";
import { Message as EncodedMessage } from "apache-arrow/fb/message";
import { RecordBatch } from "apache-arrow/fb/record-batch";
import { ByteBuffer } from "flatbuffers";
import { viewOf } from "../../formats/view-of.js";
import type { Source } from "../../source.js";
import { Unreadable } from "../unreadable.js";

/** A message of Arrow's stream format with values: its metadata after their length, then its body. */
export interface ArrowMessage {
  readonly kind: "dictionary" | "batch";
  readonly start: number;
  /** Bytes before the metadata. */
  readonly prefix: number;
  readonly metadataBytes: number;
  readonly bodyBytes: number;
  /** Of a batch. */
  readonly rows: number;
}

/** Any message, with its metadata. */
export interface FoundMessage extends Omit<ArrowMessage, "kind"> {
  readonly kind: ArrowMessage["kind"] | "schema" | undefined;
  readonly metadata: Uint8Array;
}

export const mostBytes = 32 * 1024 * 1024;
const mostAnnotations = 1000;
/** A file begins and ends with it. */
export const magic = "ARROW1";

/** The message that begins there. Undefined if that is the end of the stream. @throws Unreadable */
export async function messageAt(source: Source, start: number, end: number): Promise<FoundMessage | undefined> {
  const { prefix, metadataBytes } = await headAt(source, start, end);
  if (metadataBytes === 0) return undefined;
  const metadata = await source.read(start + prefix, metadataBytes);
  const { kind, bodyBytes, rows } = messageIn(metadata);
  if (start + prefix + metadataBytes + bodyBytes > end) throw new Unreadable("A message is longer than the content.");
  return { kind, start, prefix, metadataBytes, bodyBytes, rows, metadata };
}

/** A message that has no body, from its metadata, as a stream has it. */
export function withLength(metadata: Uint8Array): Uint8Array {
  const message = new Uint8Array(8 + metadata.length);
  viewOf(message).setInt32(0, -1, true);
  viewOf(message).setInt32(4, metadata.length, true);
  message.set(metadata, 8);
  return message;
}

/** The length of a message's metadata, and how many bytes say it. A length of 0 ends the stream. */
async function headAt(source: Source, at: number, end: number): Promise<{ prefix: number; metadataBytes: number }> {
  const head = viewOf(await source.read(at, Math.max(0, Math.min(8, end - at))));
  // Before version 0.15 there was no mark before the length.
  const prefix = head.byteLength >= 4 && head.getInt32(0, true) === -1 ? 8 : 4;
  if (head.byteLength < prefix) throw new Unreadable("A message breaks off.");
  const metadataBytes = head.getInt32(prefix - 4, true);
  if (metadataBytes < 0 || metadataBytes > end - at - prefix)
    throw new Unreadable("A message is longer than the content.");
  if (metadataBytes > mostBytes) throw new Unreadable(`A message has metadata of ${metadataBytes} bytes.`, "size");
  return { prefix, metadataBytes };
}

function messageIn(metadata: Uint8Array): Pick<FoundMessage, "kind" | "bodyBytes" | "rows"> {
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

export function textAt(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
