import { Mime } from "mime/lite";
import otherTypes from "mime/types/other.js";
import standardTypes from "mime/types/standard.js";
import { ArtifactError } from "../errors.js";
import { maxMimeTypeChars } from "../limits.js";
import { quote } from "../quote.js";

const token = "[\\w!#$%&'*+.^`|~-]+";
const quoted = String.raw`"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*"`;
const parameter = `${token}=(?:${token}|${quoted})`;
/** `type/subtype` with parameters: RFC 9110, section 8.3.1. Each text can match in one way only. */
const mimeTypePattern = new RegExp(`^${token}/${token}(?:[ \\t]*;(?:[ \\t]*${parameter})?)*[ \\t]*$`);

/** Whether the text is a valid media type of at most 255 ASCII characters. */
export function isMimeType(text: string): boolean {
  return text.length <= maxMimeTypeChars && mimeTypePattern.test(text);
}

/** @throws ArtifactError `invalid_argument` */
export function checkMimeType(mimeType: string): void {
  if (isMimeType(mimeType)) return;
  const message = `mime_type ${quote(mimeType)} is not valid: write type/subtype, like text/csv or application/json, or leave it out.`;
  throw new ArtifactError("invalid_argument", message, { details: { argument: "mime_type" } });
}

const typePattern = new RegExp(`^(?!\\*)${token}/${token}$`);

/** Whether a search can ask for the text: a media type without parameters, or all of a kind, like `text/*`. */
export function isTypePattern(text: string): boolean {
  return text.length <= maxMimeTypeChars && typePattern.test(text);
}

/** Types that the registry does not have, and types that agents use for another format than the registry says. */
const ownTypes = {
  "application/x-ndjson": ["ndjson", "jsonl"],
  "application/vnd.apache.parquet": ["parquet"],
  "application/vnd.apache.arrow.file": ["arrow", "feather"],
  "application/vnd.apache.arrow.stream": ["arrows"],
  "application/x-ipynb+json": ["ipynb"],
  "text/x-python": ["py"],
  "text/x-typescript": ["ts", "tsx"],
};

let types: Mime | undefined;

/** The registry is built at its first use, so that a start does not wait for it. */
function typeOf(extension: string): string | null {
  types ??= new Mime(standardTypes, otherTypes).define(ownTypes, true);
  return types.getType(extension);
}

/** The media type for the key's extension; `otherwise` if it is unknown. */
export function mimeTypeOf(key: string, otherwise: string): string {
  // For a name without a dot the registry would take the whole name as the extension.
  const extension = /[^/]\.([^./]+)$/.exec(key)?.[1];
  return (extension && typeOf(extension)) ?? otherwise;
}

const textTypes =
  /^(?:text\/.*|application\/(?:json|x-ndjson|xml|yaml|x-yaml|toml|sql|javascript|ecmascript|typescript|x-sh|x-httpd-php|x-tex|x-latex|graphql|rtf|xml-dtd)|.*\+(?:json|xml|yaml))$/i;

/** Whether content of this type is shown as text if its bytes are UTF-8. */
export function isTextType(mimeType: string): boolean {
  return textTypes.test((mimeType.split(";")[0] ?? "").trim());
}

/** Whether a media type says nothing about the content. */
export function isUntyped(mimeType: string): boolean {
  return /^application\/octet-stream *(?:;|$)/i.test(mimeType);
}
