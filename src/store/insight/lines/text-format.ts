import { ArtifactError } from "../../model/errors.js";
import { typeOfContent } from "../../model/formats/content-type.js";
import { decoderName, encodingOf } from "../../model/formats/text-encoding.js";
import type { TextDescription } from "../../ports/description.js";

export type TextEncoding = TextDescription["encoding"];

/** How a text is encoded. */
export interface TextFormat {
  readonly encoding: TextEncoding;
  /** Offset of the first byte after the byte order mark; 0 without one. */
  readonly textStart: number;
}

/** Bytes from the start of a content that are looked at. */
export const formatWindowBytes = 64 * 1024;

/** A line feed as the decoder of an encoding reads it: one byte, or two. */
export const lineFeeds: Readonly<Record<TextEncoding, Buffer>> = {
  "utf-8": Buffer.from([0x0a]),
  "latin-1": Buffer.from([0x0a]),
  "utf-16le": Buffer.from([0x0a, 0x00]),
  "utf-16be": Buffer.from([0x00, 0x0a]),
};

/** Of the byte order mark. */
const markBytes: Readonly<Record<TextEncoding, number>> = { "utf-8": 3, "utf-16le": 2, "utf-16be": 2, "latin-1": 0 };

/**
 * How a text is encoded.
 *
 * @param start the first `formatWindowBytes` bytes, or all if there are fewer
 * @throws ArtifactError `invalid_argument` if the content is no text
 */
export function textFormatOf(start: Uint8Array): TextFormat {
  const type = typeOfContent(start);
  const isKnown = type !== undefined && type !== "text/plain";
  // Other formats whose first bytes are letters have bytes that text does not have, or are a text about them.
  const format = type === "application/pdf" ? undefined : plainTextFormat(start);
  if (format !== undefined) return format;
  const message = `The content has no lines: it is ${isKnown ? type : "binary"}.`;
  throw new ArtifactError("invalid_argument", message, { next: "describe_content", details: { argument: "line" } });
}

function plainTextFormat(start: Uint8Array): TextFormat | undefined {
  const found = encodingOf(start, start.length < formatWindowBytes); // otherwise maybe cut inside a character
  return found && { encoding: found.encoding, textStart: found.bom ? markBytes[found.encoding] : 0 };
}

/** The text of whole characters. Bytes that are none become U+FFFD. A byte order mark is a character. */
export function decodeText(bytes: Uint8Array, encoding: TextEncoding): string {
  return new TextDecoder(decoderName(encoding), { ignoreBOM: true }).decode(bytes, { stream: encoding === "latin-1" });
}
