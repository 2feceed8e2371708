import { viewOf } from "./view-of.js";

/** A format that the first bytes tell. */
export interface Signature {
  readonly format: string;
  readonly mimeType?: string;
}

/** The formats that have a reader here, by what no other format begins with. */
export function ownSignatureOf(head: Uint8Array, bytes: number): Signature | undefined {
  const start = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 16)).toString("latin1");
  if (start.startsWith("ARROW1\0\0")) return { format: "arrow", mimeType: "application/vnd.apache.arrow.file" };
  if (isGguf(head, start)) return { format: "gguf" };
  if (start.startsWith("%PDF-")) return { format: "pdf", mimeType: "application/pdf" };
  if (isTar(head)) return { format: "tar", mimeType: "application/x-tar" };
  return isSafetensors(head, bytes) ? { format: "safetensors" } : undefined;
}

export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
}

/** Versions of GGUF are small numbers, in either order of bytes. */
function isGguf(head: Uint8Array, start: string): boolean {
  if (!start.startsWith("GGUF") || head.length < 8) return false;
  const view = viewOf(head);
  return view.getUint32(4, true) < 0x10000 || view.getUint32(4, false) < 0x10000;
}

/** The header has a sum of its bytes, in octal digits, where the sum itself counts as spaces: POSIX.1, ustar. */
export function isTar(head: Uint8Array): boolean {
  if (head.length < 512) return false;
  const digits = Buffer.from(head.buffer, head.byteOffset + 148, 8).toString("latin1");
  const wanted = Number.parseInt(digits.replace(/[\0 ]+$/, "").trim(), 8);
  let sum = 8 * 32;
  for (let at = 0; at < 512; at += 1) if (at < 148 || at >= 156) sum += head[at] ?? 0;
  return sum === wanted;
}

/** The length of the header, and then JSON of an object. */
export function isSafetensors(head: Uint8Array, bytes: number): boolean {
  if (head.length < 10 || head[8] !== 0x7b) return false;
  const length = viewOf(head).getBigUint64(0, true);
  return length >= 2n && length <= BigInt(bytes - 8);
}

const streamType = "application/vnd.apache.arrow.stream";
const continuation = 0xffffffff;

/**
 * Arrow's formats without a signature that is theirs alone: the stream format, which begins with a message that has a
 * schema (a FlatBuffer after its length, and since version 0.15 a mark), and version 1 of Feather.
 */
export function arrowSignatureOf(head: Uint8Array): Signature | undefined {
  if (head.length < 16) return undefined;
  const view = viewOf(head);
  if (view.getUint32(0) === 0x46454131) return { format: "arrow" }; // FEA1
  const prefix = view.getUint32(0, true) === continuation ? 8 : 4;
  const length = view.getInt32(prefix - 4, true);
  const table = prefix + view.getUint32(prefix, true);
  if (length < 16 || table + 4 > Math.min(head.length, prefix + length)) return undefined;
  const layout = table - view.getInt32(table, true);
  if (layout < prefix + 4 || layout + 10 > Math.min(head.length, prefix + length)) return undefined;
  // The layout: its own length, that of the message, and where its version, type and header are.
  const layoutBytes = view.getUint16(layout, true);
  const typeAt = view.getUint16(layout + 6, true);
  const isMessage = layoutBytes >= 10 && layoutBytes <= mostLayoutBytes && typeAt >= 4;
  return isMessage && head[table + typeAt] === schemaType ? { format: "arrow", mimeType: streamType } : undefined;
}

/** A message has five members. */
const mostLayoutBytes = 4 + 5 * 2;

/** Of a message with a schema: https://github.com/apache/arrow/blob/main/format/Message.fbs. */
const schemaType = 1;

let load: Promise<typeof import("file-type/core")> | undefined;

/** What `file-type` finds in the first bytes of content that is no text. It sees only these, so it never reads a large file. */
export async function libraryFormatOf(head: Uint8Array): Promise<Signature | undefined> {
  // The library takes any bytes that begin with eleven set bits for sound; a frame has no 32 of them.
  if (head.length >= 4 && viewOf(head).getUint32(0) === continuation) return undefined;
  load ??= import("file-type/core");
  const { fileTypeFromBuffer } = await load;
  const found = await fileTypeFromBuffer(head).catch(() => undefined); // it throws for some damaged files
  return found && { format: found.ext, mimeType: found.mime };
}
