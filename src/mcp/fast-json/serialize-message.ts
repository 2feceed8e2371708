import { randomUUID } from "node:crypto";
import { JsonText } from "./json-text.js";

/** Longer strings are written without `JSON.stringify`. In UTF-16 units. */
const maxSmallLength = 4 * 1024;

/** A message as one line of JSON in UTF-8, with its newline. */
export interface SerializedMessage {
  /** The line in several parts, so that large strings need not be copied into one buffer. */
  readonly pieces: readonly Buffer[];
  /** The length of the whole line. */
  readonly bytes: number;
  /** Call this when the pieces have been written: another message may overwrite them. Calling it is optional. */
  release(): void;
}

/**
 * Writes what `JSON.stringify` writes, and a newline. A large string without escapes and a `JsonText` become pieces of
 * their own: they do not pass through `JSON.stringify`, and no larger string contains them.
 */
export function serializeMessage(message: object): SerializedMessage {
  if (!hasLargeString(message)) return serialized([Buffer.from(`${JSON.stringify(message)}\n`)]);
  const placeholder = randomUUID();
  const large: JsonText[] = [];
  const small = withoutLargeStrings(message, (value) => {
    large.push(value instanceof JsonText ? value : JsonText.ofString(value));
    return `${placeholder}${large.length - 1}`;
  });
  return serialized(piecesOf(JSON.stringify(small), placeholder, large), large);
}

function serialized(pieces: readonly Buffer[], large: readonly JsonText[] = []): SerializedMessage {
  return {
    pieces,
    bytes: pieces.reduce((sum, { length }) => sum + length, 0),
    release() {
      for (const text of large) text.release();
    },
  };
}

function piecesOf(json: string, placeholder: string, large: readonly JsonText[]): Buffer[] {
  const pieces: Buffer[] = [];
  let kept = 0;
  large.forEach((text, n) => {
    const place = `"${placeholder}${n}"`;
    const at = json.indexOf(place, kept);
    pieces.push(Buffer.from(json.slice(kept, at + 1)), ...text.pieces);
    kept = at + place.length - 1;
  });
  pieces.push(Buffer.from(`${json.slice(kept)}\n`));
  return pieces;
}

/** Returns a copy with its large strings replaced. `replace` is called in the order in which JSON lists them. */
function withoutLargeStrings(value: unknown, replace: (large: string | JsonText) => string): unknown {
  if (isLargeString(value)) return replace(value);
  if (Array.isArray(value)) return value.map((part) => withoutLargeStrings(part, replace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutLargeStrings(part, replace)]));
}

function isLargeString(value: unknown): value is string | JsonText {
  return (typeof value === "string" && value.length > maxSmallLength) || value instanceof JsonText;
}

function hasLargeString(value: object): boolean {
  return Object.values(value).some(
    (part) => isLargeString(part) || (typeof part === "object" && part !== null && hasLargeString(part)),
  );
}
