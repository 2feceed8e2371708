import { isUtf8 } from "node:buffer";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count, countIs } from "../../store/model/count.js";
import { largestPageBytes } from "./content-page.js";
import { type MediaFormat, mediaFormatOf, mediaKindOf, namesOf } from "./media-format.js";

/** What is shown where nobody has said how much may be, in bytes: an image costs a model tokens, or is refused. */
const largestUnaskedBytes = 100 * 1024;
/** In pixels: models refuse images with a longer side, and then the whole conversation. */
const longestSide = 8_000;

/**
 * An image or a recording as such, where its bytes are one; else what is known of it, and the call that reads more.
 *
 * @param length the most that may be shown, in bytes; 100 KB where left out
 * @throws ArtifactError `corrupt`
 */
export async function mediaAnswer(open: OpenArtifact, length = largestUnaskedBytes): Promise<CallToolResult> {
  const { artifact } = open;
  const content = await open.read(0, Math.min(artifact.bytes, largestPageBytes));
  const format = mediaFormatOf(content);
  if (format === undefined) return described(artifact, whatItIsNot(artifact, content));
  const tooLarge = whyNotShown(artifact, format, length);
  return tooLarge === undefined ? shown(artifact, format, content) : described(artifact, tooLarge);
}

function shown({ bytes, version }: Artifact, format: MediaFormat, content: Uint8Array): CallToolResult {
  const data = Buffer.from(content.buffer, content.byteOffset, content.length).toString("base64");
  return {
    content: [
      { type: "text", text: `The whole content, ${count(bytes, "byte")}, version ${version}: ${nameOf(format)}.` },
      { type: format.kind, data, mimeType: format.type },
    ],
    _meta: { offset: 0, length: bytes, bytes },
  };
}

function described({ bytes }: Artifact, text: string): CallToolResult {
  return { content: [{ type: "text", text }], _meta: { offset: 0, length: 0, bytes } };
}

function whatItIsNot(artifact: Artifact, content: Uint8Array): string {
  const { bytes, version, mime_type } = artifact;
  const kind = mediaKindOf(mime_type) ?? "image";
  const encoding = isUtf8(content) && !content.includes(0) ? "utf8" : "base64";
  return `Not shown: version ${version} is stored as ${mime_type}, but its ${countIs(bytes, "byte")} no ${namesOf(kind)} ${kind}. To read them as ${encoding}: ${callWith(artifact, { encoding })}`;
}

/** Undefined where it may be shown. */
function whyNotShown(artifact: Artifact, format: MediaFormat, length: number): string | undefined {
  const { bytes, version } = artifact;
  const { width, height } = format.size ?? { width: 0, height: 0 };
  const known = `version ${version} is ${nameOf(format)}, ${count(bytes, "byte")}`;
  const asBytes = `To read its bytes: ${callWith(artifact, { encoding: "base64" })}`;
  if (Math.max(width, height) > longestSide) {
    return `Not shown: ${known}; at most ${longestSide} pixels a side are. ${asBytes}`;
  }
  if (bytes > largestPageBytes) return `Not shown: ${known}; at most ${largestPageBytes} bytes are. ${asBytes}`;
  if (bytes <= length) return undefined;
  return `Not shown yet: ${known}; more than ${countIs(length, "byte")} shown where length asks for them: ${callWith(artifact, { length: bytes })}`;
}

function nameOf({ kind, name, size }: MediaFormat): string {
  return size === undefined ? `${name} ${kind}` : `a ${name} ${kind} of ${size.width} x ${size.height} pixels`;
}

function callWith({ bucket, key, version }: Artifact, more: object): string {
  return `read_artifact ${JSON.stringify({ bucket, key, version, ...more })}`;
}
