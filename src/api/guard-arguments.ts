import { type Guard, parseGuard } from "../store/model/guard.js";

/** A guard as a caller gives it: a number, or a text like `3` or `3.1`. */
type GuardArgument = string | number | undefined;

/** Returns the guard in `if_version`; an empty object if there is none. @throws ArtifactError `invalid_argument` */
export function guardArgument(if_version: GuardArgument): Pick<Guard, "if_edit"> & { readonly if_version?: number } {
  return if_version === undefined ? {} : parseGuard(if_version);
}

/** Returns the guard of the source of a copy. @throws ArtifactError `invalid_argument` */
export function sourceGuardArgument(from_if_version: GuardArgument): {
  readonly from_if_version?: number;
  readonly from_if_edit?: number | undefined;
} {
  if (from_if_version === undefined) return {};
  const { if_version, if_edit } = parseGuard(from_if_version, "from_if_version");
  return { from_if_version: if_version, from_if_edit: if_edit };
}
