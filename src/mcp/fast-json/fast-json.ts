import { contentDecoder } from "./content-decoder.js";
import { parseJson } from "./parse-json.js";
import { utf8EncodingOf } from "./utf8.js";

// The door of this room: other rooms import this file only (walls.json).
export { decodeBase64 } from "./base64.js";
export { withBuffer } from "./buffer-pool.js";
export { DecodedContent } from "./content-decoder.js";
export { JsonText } from "./json-text.js";
export { type SerializedMessage, serializeMessage } from "./serialize-message.js";
export { decodeUtf8 } from "./utf8.js";

const decodeContent = contentDecoder();

/**
 * Parses like `JSON.parse`, with one difference: in a request `tools/call`, a large argument `data` or `content` may
 * become a `DecodedContent` instead of a string.
 *
 * @param utf8 not used after this returns
 * @throws SyntaxError if the bytes are not UTF-8 or not JSON
 */
export function parseMessage(utf8: Buffer): unknown {
  const encoding = utf8EncodingOf(utf8);
  if (encoding === undefined) throw new SyntaxError("it is not UTF-8");
  return parseJson(utf8, encoding, decodeContent);
}
