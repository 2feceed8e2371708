import { DataType, type Field, Message, type Schema, Type } from "apache-arrow";
import type { Field as EncodedField } from "apache-arrow/fb/field";
import { Message as EncodedMessage } from "apache-arrow/fb/message";
import { Schema as EncodedSchema } from "apache-arrow/fb/schema";
import { Type as EncodedType } from "apache-arrow/fb/type";
import { ByteBuffer } from "flatbuffers";
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

/** Offsets in the bytes may lead to the same field again and again, which the library would follow. */
function checkSchema(metadata: Uint8Array): void {
  const schema: EncodedSchema | null = EncodedMessage.getRootAsMessage(new ByteBuffer(metadata)).header(
    new EncodedSchema(),
  );
  if (schema === null) throw new Unreadable("It does not begin with a schema.");
  if (schema.endianness() !== 0)
    throw new Unreadable("Its numbers are stored with the high byte first.", "unsupported");
  let left = mostFields;
  const visit = (field: EncodedField | null, depth: number) => {
    left -= 1 + (field?.customMetadataLength() ?? 0);
    if (depth > maxDepth) throw new Unreadable("Its schema is nested too deeply.", "size");
    const type = field?.typeType() ?? 0;
    if (unknownTypes.has(type)) throw new Unreadable(`A column has the type ${EncodedType[type]}.`, "unsupported");
    if (field === null || left < 0 || field.childrenLength() > left)
      throw new Unreadable("Its schema is too large.", "size");
    for (let index = 0; index < field.childrenLength(); index++) visit(field.children(index), depth + 1);
  };
  if (schema.fieldsLength() > left) throw new Unreadable("Its schema has too many columns to read.", "size");
  for (let index = 0; index < schema.fieldsLength(); index++) visit(schema.fields(index), 1);
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
