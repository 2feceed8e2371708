import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import { digestField } from "../message/digest-fields.js";
import { etagOf, matches, matchesWeakly } from "../message/etag.js";
import type { Answer, Exchange } from "../message/exchange.js";
import { dateField } from "../message/http-date.js";
import { type HeaderValues, HttpError } from "../message/http-error.js";
import { sendPart, sendParts, sendWhole } from "./content-body.js";
import { contentDisposition } from "./content-disposition.js";
import { type DownloadBlocks, takeBlocks } from "./download-blocks.js";
import { type ByteRange, readRanges } from "./ranges.js";

/**
 * Media types that a browser can show without running any of the content. Content of another type is downloaded. So is
 * any type with a comma, because a browser may take the text after it for the type (Fetch, "extract a MIME type").
 */
const safeTypes =
  /^(?:text\/plain|text\/csv|application\/json|image\/(?:png|jpeg|gif|webp|avif)|(?:audio|video)\/[\w.+-]+)(?:[ \t]*;[^,]*)?$/i;

/** Content is not trusted: a browser runs nothing in it, loads nothing for it, and does not guess its type. */
export const untrustedContent: HeaderValues = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "cache-control": "private, no-cache",
};

/**
 * Answers a GET or HEAD of content, and closes `open`. Returns an answer without content (304), or undefined after it
 * has sent the whole content or parts of it.
 *
 * @throws HttpError `precondition_failed`, `range_not_satisfiable`
 */
export async function sendContent(exchange: Exchange, open: OpenArtifact): Promise<Answer | undefined> {
  const blocks = takeBlocks(open.artifact.bytes);
  try {
    return await answerContent(exchange, open, blocks);
  } finally {
    blocks.release();
    await open.close();
  }
}

async function answerContent(
  exchange: Exchange,
  open: OpenArtifact,
  blocks: DownloadBlocks,
): Promise<Answer | undefined> {
  const { artifact } = open;
  const validators = {
    etag: etagOf(artifact),
    "last-modified": new Date(artifact.created_at * 1000).toUTCString(),
    ...untrustedContent,
  };
  checkUnchanged(exchange, artifact);
  if (isNotModified(exchange, artifact)) return { status: 304, headers: validators };

  const headers: HeaderValues = {
    ...validators,
    "accept-ranges": "bytes",
    "content-type": artifact.mime_type,
    "content-disposition": dispositionOf(artifact),
    "repr-digest": digestField(artifact.sha256),
  };
  const ranges = rangesOf(exchange, artifact);
  const download = { exchange, open, blocks, headers };
  if (ranges === undefined) await sendWhole(download);
  else if (ranges.length === 1 && ranges[0]) await sendPart(download, ranges[0]);
  else await sendParts(download, ranges);
  return undefined;
}

/**
 * Checks `If-Match` and `If-Unmodified-Since` of a read (RFC 9110, section 13.2.2).
 *
 * @throws HttpError `precondition_failed`
 */
function checkUnchanged(exchange: Exchange, artifact: Artifact): void {
  const etag = etagOf(artifact);
  const wanted = exchange.header("if-match");
  if (wanted !== undefined) {
    if (matches(wanted, artifact)) return;
    const message = `The content's ETag is ${etag}, which If-Match does not name: the content has changed.`;
    throw new HttpError("precondition_failed", message, { etag });
  }
  const since = dateField(exchange, "if-unmodified-since");
  if (since === undefined || artifact.created_at <= since) return;
  const message = "The content was saved later than If-Unmodified-Since: it has changed.";
  throw new HttpError("precondition_failed", message, { etag });
}

/** Returns whether the client has this content already, by `If-None-Match` or `If-Modified-Since`. */
function isNotModified(exchange: Exchange, artifact: Artifact): boolean {
  const known = exchange.header("if-none-match");
  if (known !== undefined) return matchesWeakly(known, artifact);
  const since = dateField(exchange, "if-modified-since");
  return since !== undefined && artifact.created_at <= since;
}

function dispositionOf({ key, mime_type }: Artifact): string {
  return contentDisposition(safeTypes.test(mime_type) ? "inline" : "attachment", key);
}

/** Returns undefined if the whole content is to be sent. @throws HttpError `range_not_satisfiable` */
function rangesOf(exchange: Exchange, artifact: Artifact): ByteRange[] | undefined {
  const header = exchange.header("range");
  const ifRange = exchange.header("if-range");
  if (header === undefined || exchange.method !== "GET") return undefined;
  if (ifRange !== undefined && ifRange !== etagOf(artifact)) return undefined;
  const ranges = readRanges(header, artifact.bytes);
  if (ranges?.length !== 0) return ranges;
  const message = `The content has ${count(artifact.bytes, "byte")}, and no byte of Range is in it: send a Range within the content.`;
  throw new HttpError("range_not_satisfiable", message, { "content-range": `bytes */${artifact.bytes}` });
}
