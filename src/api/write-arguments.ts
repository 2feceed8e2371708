import { parseExpiresIn } from "../store/model/expiry.js";
import { parseGuard } from "../store/model/guard.js";

/** A guard of the store. Empty if the caller gives none. @throws ArtifactError `invalid_argument` */
export function guardOf(text: string | undefined): Partial<ReturnType<typeof parseGuard>> {
  return text === undefined ? {} : parseGuard(text);
}

/** The guard of a copy's source, like `guardOf`. */
export function sourceGuardOf(text: string | undefined): { from_if_version?: number; from_if_edit?: number } {
  if (text === undefined) return {};
  const { if_version, if_edit } = parseGuard(text, "from_if_version");
  return { from_if_version: if_version, ...(if_edit === undefined ? {} : { from_if_edit: if_edit }) };
}

/** Seconds until something expires. Undefined if the caller gives none. @throws ArtifactError `invalid_argument` */
export function expiresInOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseExpiresIn(text);
}
