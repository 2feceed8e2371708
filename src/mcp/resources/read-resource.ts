import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { toArtifactError } from "../../api/failures.js";
import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import { count } from "../../store/model/count.js";
import type { ArtifactError, ErrorCode as StoreErrorCode } from "../../store/model/errors.js";
import { isTextType } from "../../store/model/formats/media-type.js";
import { defaultPageLimit } from "../../store/model/limits.js";
import type { Store } from "../../store/store.js";
import { messageForTools } from "../calls/message-for-tools.js";
import { ProtocolError } from "../calls/protocol-error.js";
import { cursorFirst } from "../calls/tool-result.js";
import { honestType } from "../content/media-format.js";
import { JsonText, withBuffer } from "../fast-json/fast-json.js";
import { parseResourceUri, type ResourceAddress } from "./resource-uri.js";

/** The most content in one answer: clients stop at lines of 10 MiB. */
const largestReadBytes = 4 * 1024 * 1024;

/** The most bytes that text may take in such a line as JSON. The rest of the line needs room too. */
const largestTextLine = 9 * 1024 * 1024;

/** The code for a missing resource in the protocol's specification, "Resources", section "Error handling". */
export const resourceNotFound = -32002;

/** One part of the answer: `text` or `blob` (base64). Large content is JSON already, for `serializeMessage`. */
type Contents = { readonly uri: string; readonly mimeType: string } & (
  | { readonly text: string | JsonText }
  | { readonly blob: JsonText }
);

/** @throws ProtocolError */
export async function readResource(store: Store, uri: string): Promise<{ contents: Contents[] }> {
  const address = parseResourceUri(uri);
  try {
    return { contents: [await contentsOf(store, uri, address)] };
  } catch (error) {
    throw toProtocolError(error, uri);
  }
}

async function contentsOf(store: Store, uri: string, address: ResourceAddress): Promise<Contents> {
  switch (address.kind) {
    case "root":
      return page(uri, await store.artifacts.listBuckets({ cursor: address.cursor, limit: defaultPageLimit }));
    case "bucket": {
      const { bucket, cursor } = address;
      return page(uri, await store.artifacts.list({ bucket, cursor, limit: defaultPageLimit }));
    }
    case "upload":
      return json(uri, await store.uploads.get(address.id));
    case "artifact": {
      const open = await store.artifacts.open(address.bucket, address.key, address.version);
      try {
        return await contentOf(uri, open, address);
      } finally {
        await open.close();
      }
    }
  }
}

async function contentOf(
  uri: string,
  { artifact, read }: OpenArtifact,
  { offset = 0, length }: { offset: number | undefined; length: number | undefined },
): Promise<Contents> {
  const { bytes, mime_type } = artifact;
  if (offset > bytes) {
    throw new ProtocolError(
      ErrorCode.InvalidParams,
      `offset ${offset} is past the end: the content is ${count(bytes, "byte")}.`,
    );
  }
  const wanted = Math.min(length ?? bytes, bytes - offset);
  if (wanted > largestReadBytes) {
    const range = `${artifact.uri}?offset=${offset}&length=${largestReadBytes}`;
    throw new ProtocolError(
      ErrorCode.InvalidParams,
      `One read answers at most ${largestReadBytes} bytes, and this one would be ${wanted} bytes. Read a range, like ${range}, or use the tool read_artifact, which reads in pages.`,
      { uri, bytes },
    );
  }
  return withBuffer(wanted, async (buffer) => {
    const content = await read(offset, wanted, buffer);
    const text = isTextType(mime_type) ? JsonText.ofUtf8(content) : undefined;
    if (text !== undefined && text.bytes < largestTextLine) return { uri, mimeType: mime_type, text };
    text?.release(); // a control character takes six in JSON, so text full of them is sent as a blob
    const mimeType = honestType(mime_type, content, { isWhole: wanted === bytes });
    return { uri, mimeType, blob: JsonText.ofBase64(content) };
  });
}

function page(uri: string, found: Parameters<typeof cursorFirst>[0]): Contents {
  return json(uri, cursorFirst(found));
}

function json(uri: string, value: object): Contents {
  return { uri, mimeType: "application/json", text: JSON.stringify(value) };
}

/** The protocol's code for each error of the store. The protocol does not know the store's own codes. */
const protocolCodes: Readonly<Record<StoreErrorCode, number>> = {
  invalid_argument: ErrorCode.InvalidParams,
  bucket_not_found: resourceNotFound,
  artifact_not_found: resourceNotFound,
  session_not_found: resourceNotFound,
  session_expired: resourceNotFound,
  session_closed: ErrorCode.InvalidParams,
  offset_conflict: ErrorCode.InvalidParams,
  size_exceeded: ErrorCode.InvalidParams,
  incomplete: ErrorCode.InvalidParams,
  checksum_mismatch: ErrorCode.InvalidParams,
  version_conflict: ErrorCode.InvalidParams,
  idempotency_conflict: ErrorCode.InvalidParams,
  too_large: ErrorCode.InvalidParams,
  path_not_allowed: ErrorCode.InvalidParams,
  read_only: ErrorCode.InvalidRequest,
  storage_full: ErrorCode.InternalError,
  store_replaced: ErrorCode.InternalError,
  corrupt: ErrorCode.InternalError,
  internal: ErrorCode.InternalError,
};

export function toProtocolError(error: unknown, uri?: string): ProtocolError {
  if (error instanceof ProtocolError) return error;
  const known: ArtifactError = toArtifactError(error);
  const data = { code: known.code, ...known.details, ...(uri === undefined ? {} : { uri }) };
  return new ProtocolError(protocolCodes[known.code], messageForTools(known), data);
}
