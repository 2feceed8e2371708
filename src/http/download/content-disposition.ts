import { encodeSegment } from "../../store/model/names/artifact-uri.js";

/** Token characters (RFC 9110, section 5.6.2) that no client changes. `%` is not among them: some clients decode it. */
const plainName = /^[A-Za-z0-9!#$&+.^_`|~-]+$/;

/**
 * Returns a Content-Disposition (RFC 6266) whose file name is the last segment of the key. A name with other than plain
 * characters is sent twice: exact in `filename*` (RFC 8187), and in `filename` with `_` for each character that an old
 * client could misread.
 */
export function contentDisposition(type: "inline" | "attachment", key: string): string {
  const name = key.slice(key.lastIndexOf("/") + 1);
  if (plainName.test(name)) return `${type}; filename="${name}"`;
  const fallback = name.replace(/[^\x20-\x7e]|["\\%]/gu, "_");
  return `${type}; filename="${fallback}"; filename*=UTF-8''${encodeSegment(name)}`;
}
