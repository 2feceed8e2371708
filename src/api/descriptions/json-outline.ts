import type { JsonShape } from "../../store/ports/description.js";
import { plainOrQuoted } from "./brief-text.js";

/** Levels of a shape that are tried, the deepest first. */
const deepest = 4;

/** As much of a shape as its text has room for, with that text: lower levels are left out. */
export function outlined(shape: JsonShape, chars: number): { readonly shape: JsonShape; readonly text: string } {
  for (let depth = deepest; depth > 0; depth -= 1) {
    const pruned = upToDepth(shape, depth);
    const text = outline(pruned);
    if (text.length <= chars) return { shape: pruned, text };
  }
  const bare = upToDepth(shape, 0);
  return { shape: bare, text: outline(bare) };
}

function upToDepth(shape: JsonShape, depth: number): JsonShape {
  const { members, items, ...facts } = shape;
  if (depth === 0) return facts;
  return {
    ...facts,
    ...(members === undefined
      ? {}
      : {
          members: Object.fromEntries(
            Object.entries(members).map(([name, member]) => [name, upToDepth(member, depth - 1)]),
          ),
        }),
    ...(items === undefined ? {} : { items: upToDepth(items, depth - 1) }),
  };
}

/** `array of 2 of object {id: number or null, tags: array of 3 of string}`. */
function outline({ type, nullable, size, members, items }: JsonShape): string {
  const all = members === undefined ? [] : Object.entries(members);
  const parts = all.map(([name, member]) => `${plainOrQuoted(name)}: ${outline(member)}`);
  if (size !== undefined && type === "object" && all.length > 0 && size > all.length) parts.push("...");
  const isContainer = type === "array" || type === "object";
  return [
    nullable === true && isContainer ? "null or " : "",
    size === undefined ? type : `${type} of ${size}`,
    parts.length === 0 ? "" : ` {${parts.join(", ")}}`,
    items === undefined ? "" : ` of ${outline(items)}`,
    nullable === true && !isContainer ? " or null" : "",
  ].join("");
}
