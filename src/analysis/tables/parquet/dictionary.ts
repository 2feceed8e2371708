import type { Cell } from "../table.js";
import { Unreadable } from "../unreadable.js";
import type { Leaf } from "./columns.js";
import { type PlainType, plainTypeOf } from "./plain-values.js";

/** The value with this number. @throws Unreadable if there is none */
export type Dictionary = (index: number) => Cell;

/** Values of a larger dictionary are made anew each time, so that they never fill the memory. */
const mostKept = { values: 65_536, bytes: 4 * 1024 * 1024 };

/** The dictionary of a column chunk. */
export function dictionaryOf(page: Uint8Array, size: number, leaf: Leaf): Dictionary {
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  const plain = plainTypeOf(leaf.element);
  if (size > page.length) throw new Unreadable("A dictionary promises more values than it has bytes.");
  const startOf = startsOf(plain, view, size);
  const make = (index: number) => {
    if (index >= size) throw new Unreadable("A value is not in the dictionary.");
    return leaf.toCell(plain.read(view, startOf(index)));
  };
  if (size > mostKept.values || page.length > mostKept.bytes) return make;
  const kept: (Cell | undefined)[] = new Array(size);
  return (index) => {
    const known = kept[index];
    if (known !== undefined) return known;
    const value = make(index);
    kept[index] = value;
    return value;
  };
}

function startsOf({ width }: PlainType, view: DataView, size: number): (index: number) => number {
  if (width !== undefined) return (index) => index * width;
  const starts = new Uint32Array(size);
  let at = 0;
  for (let index = 0; index < size; index++) {
    starts[index] = at;
    if (at + 4 > view.byteLength) throw new Unreadable("A dictionary breaks off.");
    at += 4 + view.getUint32(at, true);
  }
  return (index) => starts[index] as number;
}
