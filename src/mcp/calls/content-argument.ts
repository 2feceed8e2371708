import { z } from "zod";
import { ArtifactError } from "../../store/model/errors.js";
import { DecodedContent, decodeBase64 } from "../fast-json/fast-json.js";

/**
 * Schema of an argument that carries content. Callers of the tool see a string. `parseMessage` has decoded most large
 * contents already.
 */
export function contentArgument(description: string, maxChunkBytes: number) {
  const isContent = (value: unknown): boolean => typeof value === "string" || value instanceof DecodedContent;
  return z
    .custom<string | DecodedContent>(isContent, "a string")
    .meta({ type: "string", description, maxLength: Math.ceil(maxChunkBytes / 3) * 4 });
}

/**
 * Returns the bytes of an argument that carries content.
 *
 * @param argument its name, for the error
 * @throws ArtifactError `invalid_argument` for text with a lone surrogate, and for base64 that is not the standard
 * alphabet, padded, without white space: RFC 4648, section 4
 */
export function decodeContent(argument: string, content: string | DecodedContent, encoding: "utf8" | "base64"): Buffer {
  if (content instanceof DecodedContent) return content.bytes;
  if (encoding === "utf8") {
    if (content.isWellFormed()) return Buffer.from(content, "utf8");
    throw new ArtifactError(
      "invalid_argument",
      `${argument} holds a lone surrogate (half of a UTF-16 pair), so it is not valid text. Nothing was stored. Send valid Unicode, or send bytes as base64.`,
      { details: { argument } },
    );
  }
  const bytes = decodeBase64(content);
  if (bytes !== undefined) return bytes;
  throw new ArtifactError(
    "invalid_argument",
    `${argument} is not base64, but encoding says base64: the standard alphabet (A-Z a-z 0-9 + /), padded with = to a multiple of 4, no white space. Nothing was stored. Correct the base64, or send plain text with encoding utf8.`,
    { details: { argument } },
  );
}
