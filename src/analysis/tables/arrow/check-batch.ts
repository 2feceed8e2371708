import type { Field } from "apache-arrow";
import type { RecordBatch } from "apache-arrow/fb/record-batch";
import { quote } from "../../../store/model/quote.js";
import { Unreadable } from "../unreadable.js";
import { mostBytes, numberOf, recordBatchIn } from "./messages.js";
import { nodesOf } from "./schema.js";

/** Values in a dictionary. The library keeps as many places for those that it has decoded. */
const mostDictionaryValues = 1_000_000;

/** Checks what the library takes on trust: numbers of values, and where buffers lie. @throws Unreadable */
export function checkBatch(metadata: Uint8Array, body: Uint8Array, fields: readonly Field[]): void {
  const batch = recordBatchIn(metadata);
  checkNodes(batch, metadata, fields);
  checkBuffers(batch, metadata, body);
}

/** As `checkBatch`, for a dictionary, which is a batch of one column. */
export function checkDictionary(metadata: Uint8Array, body: Uint8Array): void {
  const batch = recordBatchIn(metadata);
  if (numberOf(batch.length()) > mostDictionaryValues) {
    throw new Unreadable(`A dictionary has more than ${mostDictionaryValues} values.`, "size");
  }
  checkNodes(batch, metadata, []);
  if (batch.nodes(0)?.length() !== batch.length()) throw new Unreadable("A dictionary contradicts itself.");
  checkBuffers(batch, metadata, body);
}

function checkNodes(batch: RecordBatch, metadata: Uint8Array, fields: readonly Field[]): void {
  if (batch.nodesLength() * 16 > metadata.length) throw new Unreadable("A batch breaks off.");
  if (batch.variadicBufferCountsLength() * 8 > metadata.length) throw new Unreadable("A batch breaks off.");
  for (let index = 0; index < batch.nodesLength(); index++) numberOf(batch.nodes(index)?.length());
  let node = 0;
  for (const field of fields) {
    if (batch.nodes(node)?.length() !== batch.length()) {
      throw new Unreadable(`The column ${quote(field.name ?? "")} has fewer or more rows than its batch.`);
    }
    node += nodesOf(field);
  }
  if (fields.length > 0 && node > batch.nodesLength()) throw new Unreadable("A batch has too few columns.");
}

function checkBuffers(batch: RecordBatch, metadata: Uint8Array, body: Uint8Array): void {
  if (batch.buffersLength() * 16 > metadata.length) throw new Unreadable("A batch breaks off.");
  const isCompressed = batch.compression() !== null;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let unpacked = 0;
  for (let index = 0; index < batch.buffersLength(); index++) {
    const buffer = batch.buffers(index);
    const [offset, length] = [numberOf(buffer?.offset()), numberOf(buffer?.length())];
    if (offset + length > body.length) throw new Unreadable("A buffer is not in the batch.");
    if (!isCompressed || length === 0) continue;
    if (length < 8) throw new Unreadable("A compressed buffer breaks off.");
    const size = view.getBigInt64(offset, true);
    unpacked += size === -1n ? length : numberOf(size);
    if (unpacked > mostBytes)
      throw new Unreadable(`A batch has more than ${mostBytes} bytes when it is unpacked.`, "size");
  }
}
