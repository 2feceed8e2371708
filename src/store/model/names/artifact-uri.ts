/** The URI of an artifact's newest version. There is one for each bucket and key. */
export function artifactUri(bucket: string, key: string): string {
  return `artifact://${encodeSegment(bucket)}/${encodeKey(key)}`;
}

/** A key for the path of a URI: each segment percent-encoded, with the slashes between them as they are. */
export function encodeKey(key: string): string {
  return isPlain(key) ? key : key.split("/").map(encodeSegment).join("/");
}

/**
 * Unreserved characters stay (RFC 3986, section 2.3: letters, digits, `-`, `.`, `_`, `~`). Each other byte of UTF-8
 * becomes `%XX` in upper-case hex.
 */
export function encodeSegment(text: string): string {
  if (isPlain(text) && !text.includes("/")) return text;
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/**
 * The text with its percent-encoding taken off, exactly once. Undefined if a `%` is not followed by two hex digits, or
 * if the bytes are not well-formed UTF-8. Other characters stay, `+` and non-ASCII ones too.
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
