import { ArtifactError } from "../store/errors.js";

/**
 * The bytes of an argument that carries content.
 *
 * @param argument its name, for the error
 * @throws ArtifactError `invalid_argument` for text that is no Unicode, and for base64 that is not the standard
 * alphabet, padded, without white space: RFC 4648, section 4
 */
export function decodeContent(argument: string, text: string, encoding: "utf8" | "base64"): Buffer {
  if (encoding === "utf8") {
    if (text.isWellFormed()) return Buffer.from(text, "utf8");
    throw new ArtifactError(
      "invalid_argument",
      `${argument} holds a lone surrogate (half of a UTF-16 pair), which is no valid text. Nothing was stored. Send valid Unicode, or bytes as base64.`,
      { argument },
    );
  }
  const bytes = decodeBase64(text);
  if (bytes !== undefined) return bytes;
  throw new ArtifactError(
    "invalid_argument",
    `${argument} is not base64 as encoding says: the standard alphabet (A-Z a-z 0-9 + /), padded with = to a multiple of 4, no white space. Nothing was stored. Plain text goes with encoding utf8.`,
    { argument },
  );
}

/**
 * Node's decoder skips what it does not know, so the length tells: much faster than checking each character. It takes
 * the URL alphabet too, and of characters outside of ASCII the low byte.
 */
function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || text.includes("-") || text.includes("_")) return undefined;
  if (Buffer.byteLength(text, "utf8") !== text.length) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== (text.length / 4) * 3 - padding) return undefined;
  const tail = text.slice(-4);
  return Buffer.from(tail, "base64").toString("base64") === tail ? bytes : undefined;
}

/** The text of UTF-8 bytes, a byte order mark included; undefined where they are none. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
