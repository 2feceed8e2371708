import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count, countIs } from "../../store/model/count.js";
import { maxPageBytes } from "./content-page.js";
import { isComplete, type MediaFormat, mediaFormatOf, mediaKindOf, namesOf } from "./media-format.js";
import { readCall } from "./read-call.js";
import { textEncodingOf } from "./text-encoding-of.js";

/** The largest content that is shown unless `length` is given: images cost a model tokens, or the model refuses them. */
const defaultShownBytes = 100 * 1024;
/** In pixels. A model refuses an image with a longer side, and then the whole conversation. */
const maxSidePixels = 8_000;

/**
 * Shows an image or a recording as such. If its bytes are not one, or it is too large, the answer describes it and names
 * the call that reads it. Undefined if its bytes are text.
 *
 * @param length the largest content that is shown, in bytes; default 100 KB
 * @throws ArtifactError `corrupt`
 */
export async function mediaAnswer(open: OpenArtifact, length = defaultShownBytes): Promise<CallToolResult | undefined> {
  const { artifact } = open;
  const content = await open.read(0, Math.min(artifact.bytes, maxPageBytes));
  const format = mediaFormatOf(content);
  if (format === undefined) {
    return (await textEncodingOf(open)) === undefined ? described(artifact, mismatchText(artifact)) : undefined;
  }
  const reason = whyNotShown(artifact, format, { content, length });
  return reason === undefined ? shown(artifact, format, content) : described(artifact, reason);
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

/** Says that the bytes are not what the media type says. */
function mismatchText(artifact: Artifact): string {
  const { bytes, version, mime_type } = artifact;
  const kind = mediaKindOf(mime_type) ?? "image";
  return `Not shown: version ${version} is stored as ${mime_type}, but its ${countIs(bytes, "byte")} not in a known ${kind} format (${namesOf(kind)}). To read them as base64: ${readCall(artifact, { encoding: "base64" })}`;
}

/** Why an image or a recording is not shown. Returns undefined if it is shown. */
function whyNotShown(
  artifact: Artifact,
  format: MediaFormat,
  { content, length }: { readonly content: Uint8Array; readonly length: number },
): string | undefined {
  const { bytes, version } = artifact;
  const { width, height } = format.size ?? { width: 0, height: 0 };
  const known = `version ${version} is ${nameOf(format)}, ${count(bytes, "byte")}`;
  const asBytes = `To read its bytes: ${readCall(artifact, { encoding: "base64" })}`;
  if (Math.max(width, height) > maxSidePixels) {
    return `Not shown: ${known}. The longest side that is shown has ${maxSidePixels} pixels. ${asBytes}`;
  }
  if (bytes > maxPageBytes) return `Not shown: ${known}. At most ${maxPageBytes} bytes are shown. ${asBytes}`;
  if (!isComplete(format, content))
    return `Not shown: ${known}, and its end is missing: save or import the whole file again.`;
  if (bytes <= length) return undefined;
  return `Not shown yet: ${known}. Without a larger length, at most ${countIs(length, "byte")} shown. To show it: ${readCall(artifact, { length: bytes })}`;
}

function nameOf({ kind, name, size }: MediaFormat): string {
  return size === undefined ? `${name} ${kind}` : `a ${name} ${kind} of ${size.width} x ${size.height} pixels`;
}
