import { Footer } from "apache-arrow/fb/footer";
import { MessageHeader } from "apache-arrow/fb/message-header";
import { ByteBuffer } from "flatbuffers";
import { viewOf } from "../../formats/view-of.js";
import type { Source } from "../../source.js";
import { Unreadable } from "../unreadable.js";
import { type ArrowMessage, magic, mostBytes, numberOf, textAt } from "./messages.js";
import { schemaIn } from "./schema.js";

/** Where a message begins. */
export interface FooterBlock {
  readonly kind: ArrowMessage["kind"];
  readonly start: number;
}

/** What the footer of a file says. */
export interface ArrowFooter {
  /** The metadata of a message with the schema. */
  readonly schema: Uint8Array;
  /** Dictionaries first. */
  readonly blocks: readonly FooterBlock[];
  /** Where the footer begins. */
  readonly end: number;
}

const blockBytes = 24;

/** Reads the footer, whose bytes stand before their length and the magic number. @throws Unreadable, or an error of the library */
export async function readFooter(source: Source): Promise<ArrowFooter> {
  const tail = await source.read(Math.max(0, source.bytes - 10), 10);
  const length = tail.length === 10 ? viewOf(tail).getInt32(0, true) : -1;
  const isFooter = textAt(tail.subarray(4)) === magic && length > 0 && length <= source.bytes - 18;
  if (!isFooter) throw new Unreadable("It does not end as an Arrow file does: its footer is missing.");
  if (length > mostBytes) throw new Unreadable(`Its footer has ${length} bytes, more than can be read.`, "size");
  const end = source.bytes - 10 - length;
  const bytes = await source.read(end, length);
  const footer = Footer.getRootAsFooter(new ByteBuffer(bytes));
  const schema = messageWithSchema(bytes, footer);
  schemaIn(schema); // throws if it is damaged
  return { schema, blocks: blocksIn(footer, length), end };
}

function blocksIn(footer: Footer, length: number): FooterBlock[] {
  const [dictionaries, batches] = [footer.dictionariesLength(), footer.recordBatchesLength()];
  if ((dictionaries + batches) * blockBytes > length) throw new Unreadable("Its footer breaks off.");
  const blocks: FooterBlock[] = [];
  for (let index = 0; index < dictionaries; index++) {
    blocks.push({ kind: "dictionary", start: numberOf(footer.dictionaries(index)?.offset()) });
  }
  for (let index = 0; index < batches; index++) {
    blocks.push({ kind: "batch", start: numberOf(footer.recordBatches(index)?.offset()) });
  }
  return blocks;
}

/**
 * The schema of a footer as the metadata of a message, as streams have it. Places in FlatBuffers are relative to each
 * other: so it is a new message before the bytes of the footer.
 */
function messageWithSchema(bytes: Uint8Array, footer: Footer): Uint8Array {
  const schema = footer.schema();
  if (schema === null) throw new Unreadable("Its footer has no schema.");
  const [layoutAt, messageAt, footerAt] = [4, 16, 32];
  const metadata = new Uint8Array(footerAt + bytes.length);
  const view = viewOf(metadata);
  view.setUint32(0, messageAt, true);
  // The layout of the message: its own length, that of the message, and where its version, type and header are.
  for (const [index, value] of [10, 12, 4, 6, 8].entries()) view.setUint16(layoutAt + 2 * index, value, true);
  view.setInt32(messageAt, messageAt - layoutAt, true);
  view.setInt16(messageAt + 4, footer.version(), true);
  view.setUint8(messageAt + 6, MessageHeader.Schema);
  view.setUint32(messageAt + 8, footerAt + schema.bb_pos - (messageAt + 8), true);
  metadata.set(bytes, footerAt);
  return metadata;
}
