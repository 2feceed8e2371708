import type { Cell } from "./table.js";

/** A value that JSON can show: integers that numbers cannot hold become texts, and bytes base64. */
export function jsonCell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, jsonCell);
  if (Array.isArray(value)) return value.map(jsonCell);
  if (typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, jsonCell(member)]));
  }
  return value as Cell;
}
