import { encodeSegment } from "../../store/model/names/artifact-uri.js";

/** Characters of a token (RFC 9110, section 5.6.2) that every client takes as they are: some decode `%` in `filename`. */
const plainName = /^[A-Za-z0-9!#$&+.^_`|~-]+$/;

/**
 * A Content-Disposition whose file name is the last segment of the key: RFC 6266. Another name than a plain one comes
 * twice: in `filename*` as it is (RFC 8187), and in `filename` with `_` for what an old client could misread.
 */
export function contentDisposition(type: "inline" | "attachment", key: string): string {
  const name = key.slice(key.lastIndexOf("/") + 1);
  if (plainName.test(name)) return `${type}; filename="${name}"`;
  const fallback = name.replace(/[^\x20-\x7e]|["\\%]/gu, "_");
  return `${type}; filename="${fallback}"; filename*=UTF-8''${encodeSegment(name)}`;
}
