import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import { countIs } from "../../store/model/count.js";

interface Signature {
  readonly name: string;
  readonly type: string;
  /** What the content begins with, as Latin-1. */
  readonly start: string;
  /** What it has from byte 8 on, if that matters. */
  readonly from8?: string;
}

const signatures: readonly Signature[] = [
  { name: "a PNG image", type: "image/png", start: "\x89PNG\r\n\x1a\n" },
  { name: "a JPEG image", type: "image/jpeg", start: "\xff\xd8\xff" },
  { name: "a GIF image", type: "image/gif", start: "GIF87a" },
  { name: "a GIF image", type: "image/gif", start: "GIF89a" },
  { name: "a WebP image", type: "image/webp", start: "RIFF", from8: "WEBP" },
  { name: "a PDF document", type: "application/pdf", start: "%PDF-" },
  { name: "a zip file", type: "application/zip", start: "PK\x03\x04" },
  { name: "gzip data", type: "application/gzip", start: "\x1f\x8b\x08" },
];
const longestSignature = 16;

/** Whether a media type says nothing about the content. */
export function isUntyped(mimeType: string): boolean {
  return /^application\/octet-stream *(?:;|$)/i.test(mimeType);
}

/** Says what content without a type is, if its first bytes tell it and it is no text. @throws ArtifactError `corrupt` */
export async function describeUntyped(open: OpenArtifact): Promise<CallToolResult | undefined> {
  const { bytes, version, mime_type } = open.artifact;
  if (!isUntyped(mime_type) || bytes === 0) return undefined;
  const start = Buffer.from(await open.read(0, Math.min(bytes, longestSignature))).toString("latin1");
  const found = signatures.find((known) => start.startsWith(known.start) && start.startsWith(known.from8 ?? "", 8));
  if (found === undefined) return undefined;
  const { name, type } = found;
  const again = `save or import it again with mime_type ${type} (update_artifact cannot change the type)`;
  const next = type.startsWith("image/") ? `To see it, ${again}.` : `To give it its type, ${again}.`;
  const text = `Not shown: version ${version} is stored as ${mime_type}, but its ${countIs(bytes, "byte")} those of ${name}. ${next} encoding base64 reads the bytes.`;
  return { content: [{ type: "text", text }], _meta: { offset: 0, length: 0, bytes } };
}
