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
