import { createHash, randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import type { Artifact } from "../../store/model/artifact.js";
import { digestField } from "../message/digest-fields.js";
import type { Exchange } from "../message/exchange.js";
import type { HeaderValues } from "../message/http-error.js";
import type { DownloadBlocks } from "./download-blocks.js";
import type { ByteRange } from "./ranges.js";

/** A download whose answer has not begun. */
export interface Download {
  readonly exchange: Exchange;
  readonly open: OpenArtifact;
  readonly blocks: DownloadBlocks;
  /** Header fields that do not depend on how much of the content is sent. */
  readonly headers: HeaderValues;
}

/** Sends all of the content; only the head to a HEAD. */
export async function sendWhole({ exchange, open, blocks, headers }: Download): Promise<void> {
  const { response, method, common } = exchange;
  const { artifact } = open;
  const head = {
    ...common,
    ...headers,
    "content-digest": digestField(artifact.sha256),
    "content-length": String(artifact.bytes),
  };
  if (method === "HEAD") {
    response.writeHead(200, head).end();
    return;
  }
  if (artifact.bytes <= blocks.wholeBytes) {
    const bytes = await open.read(0, artifact.bytes);
    if (!response.destroyed) await written(response, (done) => response.writeHead(200, head).end(bytes, done));
    return;
  }
  // Damage in the first block becomes an error answer. After that, the connection can only be broken off.
  for await (const block of open.whole(blocks.blockBytes)) {
    if (!response.headersSent) response.writeHead(200, head);
    if (!(await write(response, block))) return;
  }
  if (!response.headersSent) response.writeHead(200, head);
  response.end();
}

/** Sends one part (RFC 9110, section 15.3.7.1). It has a Content-Digest if it fits into one block. */
export async function sendPart({ exchange, open, blocks, headers }: Download, range: ByteRange): Promise<void> {
  const { response, common } = exchange;
  const length = range.end - range.start;
  const first = await open.read(range.start, Math.min(length, blocks.blockBytes));
  const digest = createHash("sha256").update(first).digest("hex");
  response.writeHead(206, {
    ...common,
    ...headers,
    ...(first.length === length ? { "content-digest": digestField(digest) } : {}),
    "content-range": contentRangeOf(range, open.artifact),
    "content-length": String(length),
  });
  const restStart = range.start + first.length;
  if (await write(response, first)) await writeAll(response, open.part(restStart, range.end, blocks.blockBytes));
  response.end();
}

/** Sends several parts as `multipart/byteranges` (RFC 9110, section 14.6). */
export async function sendParts(
  { exchange, open, blocks, headers }: Download,
  ranges: readonly ByteRange[],
): Promise<void> {
  const { response, common } = exchange;
  const { "content-type": type, ...rest } = headers;
  const boundary = randomBytes(18).toString("base64url");
  const heads = ranges.map((range) => {
    const lines = [`--${boundary}`, `Content-Type: ${type}`, `Content-Range: ${contentRangeOf(range, open.artifact)}`];
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
    await writeAll(response, open.part(range.start, range.end, blocks.blockBytes));
  }
  response.end(tail);
}

function contentRangeOf({ start, end }: ByteRange, { bytes }: Artifact): string {
  return `bytes ${start}-${end - 1}/${bytes}`;
}

async function writeAll(response: ServerResponse, blocks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const block of blocks) {
    if (!(await write(response, block))) return;
  }
}

/** Resolves after the response no longer needs the bytes. Returns false if the client has disconnected. */
async function write(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  if (response.destroyed) return false;
  await written(response, (done) => response.write(bytes, done));
  return !response.destroyed;
}

/** Calls `begin`, and resolves after the bytes that it writes were sent, or after the client has disconnected. */
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
