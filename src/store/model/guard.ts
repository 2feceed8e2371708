import { ArtifactError } from "./errors.js";
import type { Version } from "./records.js";

/** What the newest version of a key must be, for a change to be made. */
export interface Guard {
  /** The number of the newest version; 0: the key must not exist. Null or absent: there is no guard. */
  readonly if_version?: number | null | undefined;
  /** The `edit` of that version; 0 if absent. */
  readonly if_edit?: number | undefined;
}

/** Whether a guard allows a change on top of `newest`, which is undefined if the key does not exist. */
export function isGuardMet({ if_version, if_edit = 0 }: Guard, newest: Version | undefined): boolean {
  if (if_version === undefined || if_version === null) return true;
  return if_version === (newest?.version ?? 0) && if_edit === (newest?.edit ?? 0);
}

/** The text of a guard that a version meets: `3`, or `3.1` if it was edited once; `0` for a key that does not exist. */
export function guardText(
  newest: { readonly version: number; readonly edit?: number | undefined } | undefined,
): string {
  const { version = 0, edit = 0 } = newest ?? {};
  return edit === 0 ? String(version) : `${version}.${edit}`;
}

const guardPattern = /^(0|[1-9]\d{0,14})(?:\.(0|[1-9]\d{0,14}))?$/;

/**
 * Reads a guard as a caller gives it: `3`, or `3.1` for version 3 with edit 1.
 *
 * @throws ArtifactError `invalid_argument`. A number that is no integer is refused, because 3.1 and 3.10 are one number.
 */
export function parseGuard(
  value: string | number,
  argument = "if_version",
): { readonly if_version: number; readonly if_edit?: number } {
  const isText = typeof value === "string" || Number.isInteger(value);
  const [, version, edit = "0"] = (isText && guardPattern.exec(String(value))) || [];
  if (version === undefined || (version === "0" && edit !== "0")) {
    const message = `${argument} must be the number of the newest version, like 3; "3.1" if that version was edited once; or 0 if the key must not exist.`;
    throw new ArtifactError("invalid_argument", message, { details: { argument } });
  }
  return { if_version: Number(version), ...(edit === "0" ? {} : { if_edit: Number(edit) }) };
}
