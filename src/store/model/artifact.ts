import { createHash } from "node:crypto";
import { Mime } from "mime/lite";
import otherTypes from "mime/types/other.js";
import standardTypes from "mime/types/standard.js";
import { artifactUri } from "./artifact-uri.js";
import { ArtifactError } from "./errors.js";
import { maxMetadataBytes, maxMimeTypeChars } from "./limits.js";
import type { Links } from "./links.js";
import { quote } from "./quote.js";
import type { Version } from "./rows.js";

/** A published version of a key, as every face shows it. */
export interface Artifact {
  readonly bucket: string;
  readonly key: string;
  readonly version: number;
  readonly mime_type: string;
  /** Size of the content in bytes. */
  readonly bytes: number;
  /** Of the content; 64 lower-case hex. */
  readonly sha256: string;
  /** Unix seconds. */
  readonly created_at: number;
  readonly uri: string;
  /** Where the content can be fetched over HTTP for a while; absent where nothing listens. */
  readonly url?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The digest of all of a content, as `sha256` fields have it. */
export function sha256Of(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

export const sha256Pattern = /^[0-9a-f]{64}$/;

/** @throws ArtifactError `invalid_argument` */
export function checkDigest(argument: string, sha256: string | undefined): void {
  if (sha256 !== undefined && !sha256Pattern.test(sha256)) {
    throw new ArtifactError("invalid_argument", `${argument} must be 64 lower-case hex digits.`, { argument });
  }
}

/** @throws ArtifactError `invalid_argument` */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const entries = Object.entries(metadata).flat();
  const bytes = new TextEncoder().encode(JSON.stringify(metadata)).length;
  if (bytes > maxMetadataBytes) {
    throw new ArtifactError(
      "invalid_argument",
      `metadata is ${bytes} bytes of JSON and at most ${maxMetadataBytes} are kept: shorten it, or save it as an artifact of its own.`,
      { argument: "metadata" },
    );
  }
  if (!entries.every((text) => text.isWellFormed())) {
    throw new ArtifactError("invalid_argument", "metadata holds a lone surrogate, which is no valid Unicode text.", {
      argument: "metadata",
    });
  }
}

/** `type/subtype` with parameters: RFC 9110, section 8.3.1. */
const mimeTypePattern = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?:[ \t]*;[ \t\x21-\x7e]*)?$/;

/** @throws ArtifactError `invalid_argument` */
export function checkMimeType(mimeType: string): void {
  if (mimeType.length > maxMimeTypeChars || !mimeTypePattern.test(mimeType)) {
    throw new ArtifactError(
      "invalid_argument",
      `mime_type ${quote(mimeType)} is not valid: write type/subtype, like text/csv or application/json, or leave it out.`,
      { argument: "mime_type" },
    );
  }
}

/** What the registry does not know, or knows as something else than an agent means by it. */
const ownTypes = {
  "application/x-ndjson": ["ndjson", "jsonl"],
  "application/vnd.apache.parquet": ["parquet"],
  "application/vnd.apache.arrow.file": ["arrow", "feather"],
  "application/x-ipynb+json": ["ipynb"],
  "text/x-python": ["py"],
  "text/x-typescript": ["ts", "tsx"],
};

let types: Mime | undefined;

/** The registry is made when it is first asked: no start waits for it. */
function typeOf(extension: string): string | null {
  types ??= new Mime(standardTypes, otherTypes).define(ownTypes, true);
  return types.getType(extension);
}

/** The type that the key's extension tells, else `otherwise`. */
export function mimeTypeOf(key: string, otherwise: string): string {
  // Without a dot the registry would take the whole name for an extension.
  const extension = /[^/]\.([^./]+)$/.exec(key)?.[1];
  return (extension && typeOf(extension)) ?? otherwise;
}

const textTypes =
  /^(?:text\/.*|application\/(?:json|x-ndjson|xml|yaml|x-yaml|toml|sql|javascript|ecmascript|typescript|x-sh|x-httpd-php|x-tex|x-latex|graphql|rtf|xml-dtd)|.*\+(?:json|xml|yaml))$/i;

/** Whether content of this type is shown as text where its bytes are UTF-8. */
export function isTextType(mimeType: string): boolean {
  return textTypes.test((mimeType.split(";")[0] ?? "").trim());
}

export function toArtifact(bucket: string, key: string, version: Version, links: Links): Artifact {
  const { mime_type, bytes, sha256, created_at, metadata } = version;
  const uri = artifactUri(bucket, key);
  const artifact = { bucket, key, version: version.version, mime_type, bytes, sha256, created_at, uri, metadata };
  const url = links.download(artifact);
  return url === undefined ? artifact : { ...artifact, url };
}
