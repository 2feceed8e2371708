import { DataType, type Field, Message, type Schema, Type } from "apache-arrow";
import type { Field as EncodedField } from "apache-arrow/fb/field";
import { Int as EncodedInt } from "apache-arrow/fb/int";
import type { KeyValue } from "apache-arrow/fb/key-value";
import { Message as EncodedMessage } from "apache-arrow/fb/message";
import { Schema as EncodedSchema } from "apache-arrow/fb/schema";
import { Type as EncodedType } from "apache-arrow/fb/type";
import { ByteBuffer, Encoding } from "flatbuffers";
import type { ColumnType } from "../../../store/ports/description.js";
import { Unreadable } from "../unreadable.js";

const maxDepth = 32;
const mostFields = 250_000;
/** Types that the library does not know. */
const unknownTypes = new Set([EncodedType.RunEndEncoded, EncodedType.ListView, EncodedType.LargeListView]);

/** Decodes the message of a schema, after a check that it is a tree that ends. @throws Unreadable */
export function schemaIn(metadata: Uint8Array): Schema {
  checkSchema(metadata);
  const message = Message.decode(metadata);
  if (!message.isSchema()) throw new Unreadable("It does not begin with a schema.");
  return message.header() as Schema;
}

/** Offsets in the bytes may lead to the same field or text again and again, which the library would follow. */
function checkSchema(metadata: Uint8Array): void {
  const message = EncodedMessage.getRootAsMessage(new ByteBuffer(metadata));
  const schema: EncodedSchema | null = message.header(new EncodedSchema());
  if (schema === null) throw new Unreadable("It does not begin with a schema.");
  if (schema.endianness() !== 0)
    throw new Unreadable("Its numbers are stored with the high byte first.", "unsupported");
  let fieldsLeft = mostFields;
  let textLeft = metadata.length;
  const countTexts = (name: string | Uint8Array | null | undefined, owner: WithMetadata) => {
    textLeft -= (name?.length ?? 0) + textBytesOf(owner, textLeft);
    if (textLeft < 0) throw new Unreadable("Its schema has more text than bytes.");
  };
  const visit = (field: EncodedField | null, depth: number) => {
    const type = field?.typeType() ?? 0;
    if (unknownTypes.has(type)) throw new Unreadable(`A column has the type ${EncodedType[type]}.`, "unsupported");
    if (type === EncodedType.Int) checkWidth(field?.type(new EncodedInt()) ?? null);
    if (depth > maxDepth) throw new Unreadable("Its schema is nested too deeply.", "size");
    fieldsLeft -= 1;
    if (field === null || field.childrenLength() > fieldsLeft) throw new Unreadable("Its schema is too large.", "size");
    countTexts(field.name(Encoding.UTF8_BYTES), field);
    for (let index = 0; index < field.childrenLength(); index++) visit(field.children(index), depth + 1);
  };
  countTexts(null, message);
  countTexts(null, schema);
  if (schema.fieldsLength() > fieldsLeft) throw new Unreadable("Its schema has too many columns to read.", "size");
  for (let index = 0; index < schema.fieldsLength(); index++) visit(schema.fields(index), 1);
}

/** Polars has wider integers than Arrow's specification. */
function checkWidth(int: EncodedInt | null): void {
  const bits = int?.bitWidth() ?? 0;
  if (bits > 64) throw new Unreadable(`A column has integers of ${bits} bits.`, "unsupported");
}

interface WithMetadata {
  customMetadataLength(): number;
  customMetadata(index: number): KeyValue | null;
}

/** Bytes of the texts that a part of the schema is annotated with. */
function textBytesOf(owner: WithMetadata, most: number): number {
  let bytes = owner.customMetadataLength() * 4;
  for (let index = 0; index < owner.customMetadataLength() && bytes <= most; index++) {
    const entry = owner.customMetadata(index);
    bytes += (entry?.key(Encoding.UTF8_BYTES)?.length ?? 0) + (entry?.value(Encoding.UTF8_BYTES)?.length ?? 0);
  }
  return bytes;
}

/** The nodes that a record batch has for each column: one for the column, and one for each field below it. */
export function nodesOf({ type }: Pick<Field, "type">): number {
  if (DataType.isDictionary(type)) return 1;
  return (type.children ?? []).reduce((sum: number, child: Field) => sum + nodesOf(child), 1);
}

export function columnTypeOf(type: DataType): ColumnType {
  if (DataType.isDictionary(type)) return columnTypeOf(type.dictionary);
  return columnTypes[type.typeId] ?? "mixed";
}

const columnTypes: Readonly<Record<number, ColumnType>> = {
  [Type.Null]: "empty",
  [Type.Int]: "integer",
  [Type.Duration]: "integer",
  [Type.Float]: "number",
  [Type.Decimal]: "number",
  [Type.Bool]: "boolean",
  [Type.Date]: "time",
  [Type.Timestamp]: "time",
  [Type.Time]: "text",
  [Type.Utf8]: "text",
  [Type.LargeUtf8]: "text",
  [Type.Utf8View]: "text",
  [Type.Binary]: "bytes",
  [Type.LargeBinary]: "bytes",
  [Type.BinaryView]: "bytes",
  [Type.FixedSizeBinary]: "bytes",
  [Type.List]: "list",
  [Type.LargeList]: "list",
  [Type.FixedSizeList]: "list",
  [Type.Interval]: "list",
  [Type.Map]: "object",
  [Type.Struct]: "object",
};
