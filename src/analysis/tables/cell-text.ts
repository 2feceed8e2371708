import type { Cell } from "./table.js";

/**
 * A cell as text, as CSV and keys show it: times in ISO 8601, lists and objects in JSON, bytes in base64. An empty cell
 * is the empty text.
 */
export function cellText(cell: Cell): string {
  if (typeof cell === "string") return cell;
  if (cell === null || cell === undefined) return "";
  if (typeof cell !== "object") return String(cell);
  if (cell instanceof Date) return isoText(cell);
  return bytesText(cell) ?? jsonText(cell);
}

/** Empty for a time that is out of range. */
function isoText(time: Date): string {
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}

function bytesText(value: object): string | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64");
  return value instanceof ArrayBuffer ? Buffer.from(value).toString("base64") : undefined;
}

function jsonText(value: object): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // JSON.stringify calls itself for each level, JSON.parse does not.
    if (error instanceof RangeError) return Array.isArray(value) ? "[…]" : "{…}";
    throw error;
  }
}
