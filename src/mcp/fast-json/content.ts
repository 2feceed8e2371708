import { isAscii, isUtf8 } from "node:buffer";
import { z } from "zod";
import { ArtifactError } from "../../store/model/errors.js";
import { decodeBase64, decodedLength } from "./base64.js";
import type { BufferPool } from "./buffer-pool.js";
import { unescapeInto } from "./json-string.js";
import type { Replace } from "./large-literals.js";

/** Content that was decoded from the line that it lay in, and never was a string. */
export class DecodedContent {
  readonly bytes: Buffer;
  #onReleased: (() => void) | undefined;

  /** @param onReleased called once at most */
  constructor(bytes: Buffer, onReleased: () => void) {
    this.bytes = bytes;
    this.#onReleased = onReleased;
  }

  /** Nobody reads `bytes` any more, and they may become another content's. */
  release(): void {
    this.#onReleased?.();
    this.#onReleased = undefined;
  }
}

/** The arguments that carry content, as base64 where the argument `encoding` says so. */
const contentArguments: ReadonlySet<string> = new Set(["data", "content"]);

/**
 * Decodes the content of tool calls from the line that it lies in. What is wrong with it is said of the string that it
 * is left as.
 */
export function contentDecoder(pool: BufferPool): Replace {
  return (literal, name, holder, message) => {
    const { method, params } = message as { method?: unknown; params?: { arguments?: object } | null };
    const isContent = method === "tools/call" && holder === params?.arguments && contentArguments.has(name);
    if (!isContent) return undefined;
    switch ((holder as { encoding?: unknown }).encoding) {
      case "base64":
        return isAscii(literal)
          ? decoded(pool, decodedLength(literal), (into) => decodeBase64(literal, into))
          : undefined;
      case "utf8":
      case undefined:
        return decoded(pool, literal.length, (into) => unescapeInto(literal, into));
    }
    return undefined;
  };
}

function decoded(pool: BufferPool, bytes: number, decode: (into: Buffer) => Buffer | undefined) {
  const buffer = pool.take(bytes);
  const giveBack = (): void => pool.giveBack(buffer);
  const content = decode(buffer);
  if (content === undefined) giveBack();
  return content && new DecodedContent(content, giveBack);
}

/** Such an argument. To whoever calls the tool it is a string. */
export function contentArgument(description: string, maxChunkBytes: number) {
  const isContent = (value: unknown): boolean => typeof value === "string" || value instanceof DecodedContent;
  return z
    .custom<string | DecodedContent>(isContent, "a string")
    .meta({ type: "string", description, maxLength: Math.ceil(maxChunkBytes / 3) * 4 });
}

/**
 * The bytes of an argument that carries content.
 *
 * @param argument its name, for the error
 * @throws ArtifactError `invalid_argument` for text that is no Unicode, and for base64 that is not the standard
 * alphabet, padded, without white space: RFC 4648, section 4
 */
export function decodeContent(argument: string, content: string | DecodedContent, encoding: "utf8" | "base64"): Buffer {
  if (content instanceof DecodedContent) return content.bytes;
  const encoded = Buffer.from(content, "utf8");
  if (encoding === "utf8") {
    if (content.isWellFormed()) return encoded;
    throw new ArtifactError(
      "invalid_argument",
      `${argument} holds a lone surrogate (half of a UTF-16 pair), which is no valid text. Nothing was stored. Send valid Unicode, or bytes as base64.`,
      { details: { argument } },
    );
  }
  const isAscii = encoded.length === content.length;
  const bytes = isAscii ? decodeBase64(encoded, Buffer.allocUnsafe(decodedLength(encoded))) : undefined;
  if (bytes !== undefined) return bytes;
  throw new ArtifactError(
    "invalid_argument",
    `${argument} is not base64 as encoding says: the standard alphabet (A-Z a-z 0-9 + /), padded with = to a multiple of 4, no white space. Nothing was stored. Plain text goes with encoding utf8.`,
    { details: { argument } },
  );
}

/** The text of UTF-8 bytes, a byte order mark included; undefined where they are none. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const { buffer, byteOffset, length } = bytes;
  return Buffer.from(buffer, byteOffset, length).toString(isAscii(bytes) ? "latin1" : "utf8");
}
