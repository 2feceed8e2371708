import { entryName } from "./entry-list.js";

/** A number in a header: octal digits, or, with the highest bit set, bytes in base 256 (GNU). NaN if it is neither. */
export function numberIn(header: Buffer, at: number, length: number): number {
  const first = header[at] ?? 0;
  if (first >= 0x80) {
    if (first !== 0x80) return Number.NaN; // negative, or too large
    return header.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, 0);
  }
  const digits = header.toString("latin1", at, at + length).replace(/[\0 ].*$/s, "");
  if (digits === "") return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

/** The name in a header, with the prefix that POSIX has and GNU has not. */
export function tarNameOf(header: Buffer): string {
  const name = textIn(header, 0, 100);
  const isPosix = header.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? textIn(header, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function textIn(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return entryName(end < 0 ? field : field.subarray(0, end));
}

/** The records of a pax header that matter: POSIX.1, pax, "<length> <keyword>=<value>\n". Wrong ones end the reading. */
export function paxRecords(bytes: Uint8Array): { path?: string; size?: string } {
  const found: { path?: string; size?: string } = {};
  for (let at = 0; at < bytes.length; ) {
    const [text, digits = ""] = /^(\d{1,9}) /.exec(Buffer.from(bytes.subarray(at, at + 12)).toString("latin1")) ?? [];
    const length = Number(digits);
    if (text === undefined || length <= text.length || at + length > bytes.length) return found;
    const record = Buffer.from(bytes.subarray(at + text.length, at + length - 1)).toString("utf8");
    const equals = record.indexOf("=");
    const [keyword, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (keyword === "path" || keyword === "size") found[keyword] = value;
    at += length;
  }
  return found;
}
