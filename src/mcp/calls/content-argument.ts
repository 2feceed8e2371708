import { z } from "zod";
import { ArtifactError } from "../../store/model/errors.js";
import { DecodedContent, decodeBase64 } from "../fast-json/fast-json.js";

/**
 * Schema of an argument that carries content. Callers of the tool see a string. `parseMessage` has decoded most large
 * contents already.
 */
export function contentArgument(description: string) {
  const isContent = (value: unknown): boolean => typeof value === "string" || value instanceof DecodedContent;
  return z.custom<string | DecodedContent>(isContent, "a string").meta({ type: "string", description });
}

/** How an argument that carries content is written. */
export const contentEncoding = z.enum(["utf8", "base64"]).default("utf8").meta({
  description: "base64 only for small binaries: about a token a byte.",
});

/**
 * Returns the bytes of an argument that carries content.
 *
 * @param argument its name, for the error
 * @throws ArtifactError `invalid_argument` for text with a lone surrogate, and for base64 with other characters than the
 * standard alphabet of RFC 4648, section 4. Base64 may lack its padding, and may have white space
 */
export function decodeContent(argument: string, content: string | DecodedContent, encoding: "utf8" | "base64"): Buffer {
  if (content instanceof DecodedContent) return content.bytes;
  if (encoding === "utf8") {
    if (content.isWellFormed()) return Buffer.from(content, "utf8");
    throw new ArtifactError(
      "invalid_argument",
      `${argument} holds a lone surrogate (half of a UTF-16 pair), so it is not valid text. Nothing was changed. Send valid Unicode, or send bytes as base64.`,
      { details: { argument } },
    );
  }
  const bytes = decodeBase64(content) ?? decodeBase64(asStrictBase64(content));
  if (bytes !== undefined) return bytes;
  throw new ArtifactError(
    "invalid_argument",
    `${argument} is not base64, but encoding says base64: the standard alphabet is A-Z a-z 0-9 + /. Nothing was changed. Correct the base64, or send plain text with encoding utf8.`,
    { details: { argument } },
  );
}

/** Programs break lines after 76 characters, and some leave the padding out. */
function asStrictBase64(text: string): string {
  const digits = text.replaceAll(/[ \t\r\n]+/g, "");
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, "=");
}
