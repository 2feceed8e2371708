import { isUtf8 } from "node:buffer";
import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import { isTextType } from "../../store/model/media-type.js";
import { decodeUtf8, withBuffer } from "../fast-json/fast-json.js";

/** With what is said of the page, this fits every host's limit on an answer, which is 8,000; as UTF-16 units. */
const defaultPageChars = 7_500;
/** And the most bytes of text: some hosts count those, and cut at about 10,000. */
const defaultTextBytes = 9_000;
/** As many characters, written as base64. */
const defaultPageBytes = (defaultPageChars / 4) * 3;
/** The most content one call answers: clients stop at lines of 10 MiB, and escapes make text longer. */
export const largestPageBytes = 1024 * 1024;

/** What a page reads at most beside its own bytes: of the characters that lie across its bounds. */
const bytesAround = 7;

export interface PageRequest {
  /** In bytes; inside a character it moves to that character's start. */
  readonly offset: number;
  /** In bytes; left out, the page is 7,500 characters or 9,000 bytes, whichever is less. */
  readonly length?: number | undefined;
  readonly encoding: "auto" | "utf8" | "base64";
}

export interface ContentPage {
  readonly encoding: "utf8" | "base64";
  readonly text: string;
  /** In bytes: where the page really begins, and where the next one does. */
  readonly start: number;
  readonly end: number;
  /** Base64, where `auto` was asked for, of bytes that `utf8` would show as text. */
  readonly isText: boolean;
}

/** @throws ArtifactError `invalid_argument`, `corrupt` */
export async function readPage(open: OpenArtifact, request: PageRequest): Promise<ContentPage> {
  return withBuffer((request.length ?? defaultTextBytes) + bytesAround, (buffer) => {
    const read = (start: number, length: number): Promise<Uint8Array> => open.read(start, length, buffer);
    return readPageBy({ ...open, read }, request);
  });
}

async function readPageBy(open: OpenArtifact, request: PageRequest): Promise<ContentPage> {
  const { offset, encoding } = request;
  const { bytes, mime_type } = open.artifact;
  if (offset > bytes) {
    throw new ArtifactError(
      "invalid_argument",
      `offset ${offset} is past the end: the content is ${count(bytes, "byte")} (bytes, not characters). Read from a smaller offset; each answer begins with the call for the next page.`,
      { details: { argument: "offset", offset, bytes } },
    );
  }
  if (encoding === "utf8" || (encoding === "auto" && isTextType(mime_type))) return readTextPage(open, request);
  const content = await open.read(offset, request.length ?? defaultPageBytes);
  return { ...base64Page(content, offset), isText: encoding === "auto" && isText(content) };
}

function base64Page(content: Uint8Array, start: number): ContentPage {
  const text = Buffer.from(content).toString("base64");
  return { encoding: "base64", text, start, end: start + content.length, isText: false };
}

/** Whether bytes can be read as text, but for parts of characters at their two ends. */
function isText(content: Uint8Array): boolean {
  let start = 0;
  while (start < 3 && isContinuation(content[start])) start += 1;
  const whole = content.subarray(start, wholeEnd(content));
  return whole.length > 0 && isUtf8(whole) && !whole.includes(0);
}

/** Where the last character ends that is whole. */
function wholeEnd(content: Uint8Array): number {
  const last = Math.max(0, content.length - 1);
  let lead = last;
  while (lead > 0 && last - lead < 3 && isContinuation(content[lead])) lead -= 1;
  const byte = content[lead] ?? 0;
  return byte >= 0xc0 && lead + charBytes(byte) > content.length ? lead : content.length;
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;
const charBytes = (lead: number): number => (lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);

/** Text; or, where the page is none and `auto` was asked for, base64. */
async function readTextPage(open: OpenArtifact, { offset, length, encoding }: PageRequest): Promise<ContentPage> {
  const from = Math.max(0, offset - 3);
  const content = await open.read(from, offset - from + (length ?? defaultTextBytes) + 4);
  const at = offset - from;
  const start = characterStart(content, at);
  const end = pageEnd(content, start, {
    bytes: length === undefined ? Math.min(content.length, start + defaultTextBytes) : at + length,
    chars: length === undefined ? defaultPageChars : Number.POSITIVE_INFINITY,
  });
  const text = decodeUtf8(content.subarray(start, end));
  if (text !== undefined) return { encoding: "utf8", text, start: from + start, end: from + end, isText: false };
  if (encoding === "auto") {
    const cut = betweenCharacters(content, at, Math.min(content.length, at + (length ?? defaultPageBytes)));
    return base64Page(content.subarray(at, cut), offset);
  }
  throw new ArtifactError(
    "invalid_argument",
    `The bytes at offset ${offset} are no UTF-8 text. Read them with encoding base64.`,
    { details: { argument: "encoding", offset } },
  );
}

/** The start of the character that `at` is inside of; `at` itself where it is in none. */
function characterStart(content: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && at - start < 3 && isContinuation(content[start])) start -= 1;
  const lead = content[start];
  return lead !== undefined && lead >= 0xc0 && start + charBytes(lead) > at ? start : at;
}

/** `end`, or near it: where the next page, which may be text again, does not move its start back into this one. */
function betweenCharacters(content: Uint8Array, start: number, end: number): number {
  const before = characterStart(content, end);
  if (before > start) return before;
  let behind = end;
  while (characterStart(content, behind) !== behind) behind += 1;
  return behind;
}

/** The last end of a character that passes neither bound, but one character at least. */
function pageEnd(content: Uint8Array, start: number, most: { bytes: number; chars: number }): number {
  if (most.chars >= most.bytes - start) return lastEnd(content, start, most.bytes);
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

/** The same where the characters are not counted: it is found from behind. */
function lastEnd(content: Uint8Array, start: number, most: number): number {
  if (most >= content.length) return content.length;
  const end = characterStart(content, most);
  return end > start ? end : Math.min(content.length, start + charBytes(content[start] ?? 0));
}
