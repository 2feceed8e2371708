import { parseExpiresIn } from "../store/model/expiry.js";

/** Seconds until something expires. Undefined if the caller gives none. @throws ArtifactError `invalid_argument` */
export function expiresInOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseExpiresIn(text);
}
