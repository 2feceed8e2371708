import { decoderOf } from "../../store/model/formats/text-encoding.js";

/** The text of bytes in Windows-1252, one character for each. */
export function latin1Text(bytes: Uint8Array): string {
  return decoderOf("latin-1")(bytes);
}

/** How many of these bytes a page has room for, if each is a character. @param utf8Bytes the most that the text takes */
export function latin1Room(bytes: Uint8Array, { chars, utf8Bytes }: { chars: number; utf8Bytes: number }): number {
  const text = latin1Text(bytes.subarray(0, chars));
  let taken = 0;
  for (let at = 0; at < text.length; at += 1) {
    taken += Buffer.byteLength(text[at] ?? "");
    if (taken > utf8Bytes) return at;
  }
  return text.length;
}
