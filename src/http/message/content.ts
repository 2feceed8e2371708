import { createHash, randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import { contentDisposition } from "./content-disposition.js";
import { type DownloadBlocks, takeBlocks } from "./download-blocks.js";
import type { Answer, Exchange } from "./exchange.js";
import { digestField } from "./fields.js";
import { dateField, etagOf, matches, matchesWeakly } from "./guard.js";
import { type HeaderValues, HttpError } from "./http-error.js";
import { type ByteRange, readRanges } from "./ranges.js";

/**
 * Types that a browser shows without running anything of them. All else is downloaded, and so is any type with a comma:
 * a browser may take what stands behind it for the type (Fetch, "extract a MIME type").
 */
const safeTypes =
  /^(?:text\/plain|text\/csv|application\/json|image\/(?:png|jpeg|gif|webp|avif)|(?:audio|video)\/[\w.+-]+)(?:[ \t]*;[^,]*)?$/i;

/** Whatever it is, it is not ours: it runs nothing, loads nothing, and is what its type says. */
const untrusted: HeaderValues = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "cache-control": "private, no-cache",
};

/** Answers a GET or HEAD of content: all of it, parts of it, or that the client has it already. Closes it. */
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
  const etag = etagOf(artifact);
  const about = { etag, "last-modified": new Date(artifact.created_at * 1000).toUTCString(), ...untrusted };
  checkUnchanged(exchange, artifact);
  if (isKnown(exchange, artifact)) return { status: 304, headers: about };

  const whole: HeaderValues = {
    ...about,
    "accept-ranges": "bytes",
    "content-type": artifact.mime_type,
    "content-disposition": dispositionOf(artifact),
    "repr-digest": digestField(artifact.sha256),
  };
  const ranges = rangesOf(exchange, artifact);
  const sending = { exchange, open, blocks, whole };
  if (ranges === undefined) await sendWhole(sending);
  else if (ranges.length === 1 && ranges[0]) await sendPart(sending, ranges[0]);
  else await sendParts(sending, ranges);
  return undefined;
}

/** @throws HttpError `precondition_failed` */
function checkUnchanged(exchange: Exchange, artifact: Artifact): void {
  const etag = etagOf(artifact);
  const wanted = exchange.header("if-match");
  if (wanted !== undefined) {
    if (matches(wanted, artifact)) return;
    const message = `The content's ETag is ${etag}, which If-Match does not name: it has changed.`;
    throw new HttpError("precondition_failed", message, { etag });
  }
  const since = dateField(exchange, "if-unmodified-since");
  if (since === undefined || artifact.created_at <= since) return;
  const message = "The content was saved later than If-Unmodified-Since says: it has changed.";
  throw new HttpError("precondition_failed", message, { etag });
}

/** Whether the client has this content already. */
function isKnown(exchange: Exchange, artifact: Artifact): boolean {
  const known = exchange.header("if-none-match");
  if (known !== undefined) return matchesWeakly(known, artifact);
  const since = dateField(exchange, "if-modified-since");
  return since !== undefined && artifact.created_at <= since;
}

function dispositionOf({ key, mime_type }: Artifact): string {
  return contentDisposition(safeTypes.test(mime_type) ? "inline" : "attachment", key);
}

/** Undefined where all of it is asked for. @throws HttpError `range_not_satisfiable` */
function rangesOf(exchange: Exchange, artifact: Artifact): ByteRange[] | undefined {
  const header = exchange.header("range");
  const onlyIf = exchange.header("if-range");
  if (header === undefined || exchange.method !== "GET") return undefined;
  if (onlyIf !== undefined && onlyIf !== etagOf(artifact)) return undefined;
  const ranges = readRanges(header, artifact.bytes);
  if (ranges?.length !== 0) return ranges;
  const message = `The content has ${count(artifact.bytes, "byte")}, and none of the range lies in it.`;
  throw new HttpError("range_not_satisfiable", message, { "content-range": `bytes */${artifact.bytes}` });
}

/** An answer with content. */
interface Sending {
  readonly exchange: Exchange;
  readonly open: OpenArtifact;
  readonly blocks: DownloadBlocks;
  /** The header fields of an answer with all of it. */
  readonly whole: HeaderValues;
}

async function sendWhole({ exchange, open, blocks, whole }: Sending): Promise<void> {
  const { response, method, common } = exchange;
  const { artifact } = open;
  const headers = { ...common, ...whole, "content-digest": digestField(artifact.sha256) };
  const head = { ...headers, "content-length": String(artifact.bytes) };
  if (method === "HEAD") {
    response.writeHead(200, head).end();
    return;
  }
  if (artifact.bytes <= blocks.wholeBytes) {
    const bytes = await open.read(0, artifact.bytes);
    if (!response.destroyed) await written(response, (done) => response.writeHead(200, head).end(bytes, done));
    return;
  }
  // Damage that shows at once is an error that says so; later all that is left is not to end well.
  for await (const block of open.whole(blocks.blockBytes)) {
    if (!response.headersSent) response.writeHead(200, head);
    if (!(await write(response, block))) return;
  }
  if (!response.headersSent) response.writeHead(200, head);
  response.end();
}

async function sendPart({ exchange, open, blocks, whole }: Sending, range: ByteRange): Promise<void> {
  const { response, common } = exchange;
  const length = range.end - range.start;
  const first = await open.read(range.start, Math.min(length, blocks.blockBytes));
  const digest = createHash("sha256").update(first).digest("hex");
  response.writeHead(206, {
    ...common,
    ...whole,
    ...(first.length === length ? { "content-digest": digestField(digest) } : {}),
    "content-range": rangeField(range, open.artifact),
    "content-length": String(length),
  });
  const rest = { ...range, start: range.start + first.length };
  if (await write(response, first)) await sendBytes(response, open.part(rest.start, rest.end, blocks.blockBytes));
  response.end();
}

/** RFC 9110, section 14.6. */
async function sendParts({ exchange, open, blocks, whole }: Sending, ranges: readonly ByteRange[]): Promise<void> {
  const { response, common } = exchange;
  const { "content-type": type, ...rest } = whole;
  const boundary = randomBytes(18).toString("base64url");
  const heads = ranges.map((range) => {
    const lines = [`--${boundary}`, `Content-Type: ${type}`, `Content-Range: ${rangeField(range, open.artifact)}`];
    return Buffer.from(`\r\n${lines.join("\r\n")}\r\n\r\n`);
  });
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const length = ranges.reduce((sum, { start, end }) => sum + end - start, tail.length + Buffer.concat(heads).length);
  response.writeHead(206, {
    ...common,
    ...rest,
    "content-type": `multipart/byteranges; boundary=${boundary}`,
    "content-length": String(length),
  });
  for (const [index, range] of ranges.entries()) {
    if (!(await write(response, heads[index] ?? tail))) return;
    await sendBytes(response, open.part(range.start, range.end, blocks.blockBytes));
  }
  response.end(tail);
}

function rangeField({ start, end }: ByteRange, { bytes }: Artifact): string {
  return `bytes ${start}-${end - 1}/${bytes}`;
}

async function sendBytes(response: ServerResponse, blocks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const block of blocks) {
    if (!(await write(response, block))) return;
  }
}

/** Resolves once the bytes are not needed any more; false where the client has gone. */
async function write(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  if (response.destroyed) return false;
  await written(response, (done) => response.write(bytes, done));
  return !response.destroyed;
}

/** Resolves once what `begin` writes has gone out, or the client. */
function written(response: ServerResponse, begin: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("close", done);
      resolve();
    };
    response.on("close", done);
    begin(done);
  });
}
