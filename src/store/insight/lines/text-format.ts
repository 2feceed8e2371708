import { typeOfContent } from "../../model/content-type.js";
import { ArtifactError } from "../../model/errors.js";
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

const marks: readonly (readonly [TextEncoding, Buffer])[] = [
  ["utf-8", Buffer.from([0xef, 0xbb, 0xbf])],
  ["utf-16le", Buffer.from([0xff, 0xfe])],
  ["utf-16be", Buffer.from([0xfe, 0xff])],
];

/** Control characters that text seldom has. Output of programs has escapes and backspaces. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]/g;
/** What Windows-1252 leaves undefined. */
const undefinedCharacter = /[\x80-\x9f]/;

/**
 * How a text is encoded.
 *
 * @param start the first `formatWindowBytes` bytes, or all if there are fewer
 * @throws ArtifactError `invalid_argument` if the content is no text
 */
export function textFormatOf(start: Uint8Array): TextFormat {
  const type = typeOfContent(start);
  const isKnown = type !== undefined && type !== "text/plain";
  const format = isKnown ? undefined : plainTextFormat(Buffer.from(start.buffer, start.byteOffset, start.length));
  if (format !== undefined) return format;
  const message = `The content has no lines: it is ${isKnown ? type : "binary"}.`;
  throw new ArtifactError("invalid_argument", message, { next: "describe_content", details: { argument: "line" } });
}

function plainTextFormat(start: Buffer): TextFormat | undefined {
  const marked = marks.find(([, mark]) => start.subarray(0, mark.length).equals(mark));
  const encodings: readonly TextEncoding[] = marked === undefined ? ["utf-8", "latin-1"] : [marked[0]];
  const textStart = marked?.[1].length ?? 0;
  const isCut = start.length === formatWindowBytes; // maybe inside a character
  const encoding = encodings.find((one) => {
    const decoder = new TextDecoder(decoderName(one), { fatal: one === "utf-8" && marked === undefined });
    try {
      return isText(start, decoder.decode(start, { stream: isCut || one === "latin-1" }), one);
    } catch {
      return false;
    }
  });
  return encoding && { encoding, textStart };
}

/** As a description tells it: see `encodingOf` of the analyses. */
function isText(bytes: Uint8Array, text: string, encoding: TextEncoding): boolean {
  if (text.includes("\0")) return false;
  const controls = text.match(control)?.length ?? 0;
  if (encoding !== "latin-1") return controls * 50 <= text.length;
  const high = bytes.reduce((sum, byte) => (byte < 0x80 ? sum : sum + 1), 0);
  return controls === 0 && !undefinedCharacter.test(text) && high * 3 <= bytes.length;
}

/** The text of whole characters. Bytes that are none become U+FFFD. A byte order mark is a character. */
export function decodeText(bytes: Uint8Array, encoding: TextEncoding): string {
  return new TextDecoder(decoderName(encoding), { ignoreBOM: true }).decode(bytes, { stream: encoding === "latin-1" });
}

/** As a whole, Node 20 decodes Windows-1252 as ISO 8859-1. As a stream it is right, and there is nothing to cut. */
const decoderName = (encoding: TextEncoding): string => (encoding === "latin-1" ? "windows-1252" : encoding);
