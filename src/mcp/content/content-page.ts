import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import { isTextType, isUntyped } from "../../store/model/formats/media-type.js";
import { decodeUtf8, withBuffer } from "../fast-json/fast-json.js";
import { latin1Room, latin1Text } from "./latin1-page.js";
import { textEncodingOf } from "./text-encoding-of.js";
import { characterStart, charBytes, firstInvalidByte, isTextBetweenEnds } from "./utf8-characters.js";
import { readUtf16Page, type Utf16, utf16Of } from "./utf16-page.js";

/**
 * UTF-16 code units of text on a page, unless `length` is given. Together with the first block of the answer this is
 * below 8,000, the lowest limit on an answer among the known hosts.
 */
export const defaultPageChars = 7_500;
/** Bytes of text on a page, unless `length` is given: some hosts count bytes, and cut at about 10,000. */
const defaultTextBytes = 9_000;
/** Bytes that take `defaultPageChars` characters as base64. */
const defaultPageBytes = (defaultPageChars / 4) * 3;
/** The most content in one answer: clients stop at lines of 10 MiB, and escapes make text longer. */
export const maxPageBytes = 1024 * 1024;

/** The most bytes that a page reads around its own, for characters that cross its bounds. */
const bytesAround = 7;

export interface PageRequest {
  /** In bytes. An offset inside a character moves to the start of that character. */
  readonly offset: number;
  /** In bytes. Default: 7,500 characters or 9,000 bytes, whichever is less. */
  readonly length?: number | undefined;
  readonly encoding: "auto" | "utf8" | "base64";
}

export interface ContentPage {
  readonly encoding: "utf8" | "base64" | "latin-1" | Utf16;
  readonly text: string;
  /** Where the page really begins, in bytes. */
  readonly start: number;
  /** Where the next page begins, in bytes. */
  readonly end: number;
  /** The page is base64 because `auto` was asked for, and `utf8` would show its bytes as text. */
  readonly isText: boolean;
  /** A sentence that says so if the bytes are stored under a text type and are not UTF-8. */
  readonly notUtf8?: string;
}

/** @throws ArtifactError `invalid_argument`, `corrupt` */
export async function readPage(open: OpenArtifact, request: PageRequest): Promise<ContentPage> {
  const { offset } = request;
  const { bytes } = open.artifact;
  if (offset > bytes) {
    throw new ArtifactError(
      "invalid_argument",
      `offset ${offset} is past the end: the content is ${count(bytes, "byte")} (bytes, not characters). Read from a smaller offset; each answer begins with the call for the next page.`,
      { details: { argument: "offset", offset, bytes } },
    );
  }
  const isText = await mayBeText(open, request);
  const utf16 = isText ? await utf16Page(open, request) : undefined;
  if (utf16 !== undefined) return utf16;
  return withBuffer((request.length ?? defaultTextBytes) + bytesAround, (buffer) => {
    const read = (start: number, length: number): Promise<Uint8Array> => open.read(start, length, buffer);
    const isLatin1 = async (): Promise<boolean> => (await textEncodingOf(open)) === "latin-1";
    return isText ? readTextPage({ ...open, read, isLatin1 }, request) : readBytesPage({ ...open, read }, request);
  });
}

/** Content of a type that is no text is text all the same if it begins so. Latin-1 is not: any bytes may look like it. */
async function mayBeText(open: OpenArtifact, { encoding }: PageRequest): Promise<boolean> {
  if (encoding !== "auto") return encoding === "utf8";
  if (!isOfOtherType(open.artifact)) return true;
  const found = await textEncodingOf(open);
  return found !== undefined && found !== "latin-1";
}

/** Whether the media type says that the content is no text. */
export function isOfOtherType({ mime_type }: Pick<Artifact, "mime_type">): boolean {
  return !isTextType(mime_type) && !isUntyped(mime_type);
}

async function readBytesPage(open: OpenArtifact, { offset, length, encoding }: PageRequest): Promise<ContentPage> {
  const content = await open.read(offset, length ?? defaultPageBytes);
  return { ...base64Page(content, offset), isText: encoding === "auto" && isTextBetweenEnds(content) };
}

/** A page of text that is UTF-16 by its byte order mark. Undefined for other content. */
async function utf16Page(open: OpenArtifact, { offset, length }: PageRequest): Promise<ContentPage | undefined> {
  const encoding = utf16Of(await open.read(0, 4));
  if (encoding === undefined) return undefined;
  const most =
    length === undefined
      ? { units: defaultPageChars, utf8Bytes: defaultTextBytes }
      : { units: Math.ceil(length / 2), utf8Bytes: Number.POSITIVE_INFINITY };
  return readUtf16Page(open, encoding, offset, most);
}

/** Characters that text has not, except in some escape sequences. */
const controls = /[^\P{Cc}\t\n\r]/u;

function base64Page(content: Uint8Array, start: number): ContentPage {
  const text = Buffer.from(content).toString("base64");
  return { encoding: "base64", text, start, end: start + content.length, isText: false };
}

/** Content that may be text in Latin-1, if it is not UTF-8. */
interface OpenText extends OpenArtifact {
  isLatin1(): Promise<boolean>;
}

/**
 * A page of text. If its bytes are not UTF-8, and the content does not begin as Latin-1 does, and `auto` was asked for, the
 * page is base64. So it is for content without a type of text that has control characters.
 */
async function readTextPage(open: OpenText, { offset, length, encoding }: PageRequest): Promise<ContentPage> {
  const from = Math.max(0, offset - 3);
  const content = await open.read(from, offset - from + (length ?? defaultTextBytes) + 4);
  const at = offset - from;
  const start = characterStart(content, at);
  const end = pageEnd(content, start, {
    bytes: length === undefined ? Math.min(content.length, start + defaultTextBytes) : at + length,
    chars: length === undefined ? defaultPageChars : Number.POSITIVE_INFINITY,
  });
  const text = decodeUtf8(content.subarray(start, end));
  const mustBeClean = encoding === "auto" && !isTextType(open.artifact.mime_type);
  if (text !== undefined && !(mustBeClean && controls.test(text)))
    return { encoding: "utf8", text, start: from + start, end: from + end, isText: false };
  const cut = (bytes = length ?? defaultPageBytes): Uint8Array =>
    content.subarray(at, betweenCharacters(content, at, Math.min(content.length, at + bytes)));
  if (text === undefined && (await open.isLatin1())) {
    const room = latin1Room(content.subarray(at), { chars: defaultPageChars, utf8Bytes: defaultTextBytes });
    const bytes = cut(length ?? room);
    return { encoding: "latin-1", text: latin1Text(bytes), start: offset, end: offset + bytes.length, isText: false };
  }
  if (mustBeClean) return { ...base64Page(cut(), offset), isText: isTextBetweenEnds(cut()) };
  const notUtf8 = describeNotUtf8(open.artifact.mime_type, content.subarray(start, end), from + start);
  if (encoding === "auto") return { ...base64Page(cut(), offset), notUtf8 };
  throw new ArtifactError("invalid_argument", `${notUtf8} Read the bytes with encoding base64.`, {
    details: { argument: "encoding", offset },
  });
}

/** @param offset of the first of these bytes in the whole content */
function describeNotUtf8(mimeType: string, bytes: Uint8Array, offset: number): string {
  const at = firstInvalidByte(bytes) ?? 0;
  const value = `0x${(bytes[at] ?? 0).toString(16).padStart(2, "0")}`;
  const what = isTextType(mimeType) ? `Stored as ${mimeType}, but not UTF-8` : "These bytes are not UTF-8";
  return `${what}: the first byte that is not is ${value} at offset ${offset + at}.`;
}

/** An end near `end` that splits no character, so that the next page, which may be text, does not begin before it. */
function betweenCharacters(content: Uint8Array, start: number, end: number): number {
  const before = characterStart(content, end);
  if (before > start) return before;
  let behind = end;
  while (characterStart(content, behind) !== behind) behind += 1;
  return behind;
}

/** The last end of a character within both bounds. The page holds at least one character. */
function pageEnd(content: Uint8Array, start: number, most: { bytes: number; chars: number }): number {
  if (most.chars >= most.bytes - start) return pageEndByBytes(content, start, most.bytes);
  let end = start;
  let chars = 0;
  while (end < content.length) {
    const lead = content[end] ?? 0;
    const next = end + charBytes(lead);
    chars += lead < 0xf0 ? 1 : 2;
    if (end > start && (next > most.bytes || chars > most.chars)) break;
    end = Math.min(next, content.length);
  }
  return end;
}

/** As `pageEnd`, for a page that only its bytes limit. It searches backwards, so it counts no characters. */
function pageEndByBytes(content: Uint8Array, start: number, most: number): number {
  if (most >= content.length) return content.length;
  const end = characterStart(content, most);
  return end > start ? end : Math.min(content.length, start + charBytes(content[start] ?? 0));
}
