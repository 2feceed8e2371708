/** The URI of the newest version of an artifact. Each bucket and key has one URI. */
export function artifactUri(bucket: string, key: string): string {
  return `artifact://${encodeSegment(bucket)}/${encodeKey(key)}`;
}

/** The key as the path of a URI: each segment is percent-encoded, and the slashes between segments stay. */
export function encodeKey(key: string): string {
  return isPlain(key) ? key : key.split("/").map(encodeSegment).join("/");
}

/**
 * Percent-encodes a text. Unreserved characters stay (RFC 3986, section 2.3: letters, digits, `-`, `.`, `_`, `~`). Each
 * byte of other characters in UTF-8 becomes `%XX` in upper-case hex.
 */
export function encodeSegment(text: string): string {
  if (isPlain(text) && !text.includes("/")) return text;
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/**
 * Decodes percent-encoding exactly once. Undefined if a `%` is not followed by two hex digits, or if the decoded bytes
 * are not well-formed UTF-8. All other characters stay, including `+` and non-ASCII characters.
 */
export function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function isPlain(text: string): boolean {
  return /^[A-Za-z0-9._~/-]*$/.test(text);
}
