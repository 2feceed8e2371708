import { type Artifact, isSameContent } from "../../model/artifact.js";
import { ArtifactError, type ErrorDetails } from "../../model/errors.js";
import { liveVersions } from "../../model/expiry.js";
import { type Guard, guardText, isGuardMet } from "../../model/guard.js";
import { checkBucket } from "../../model/names/bucket-name.js";
import { toKey } from "../../model/names/key-name.js";
import { quote } from "../../model/quote.js";
import { type Version, versionNumbered } from "../../model/records.js";
import { absence } from "../../model/session-errors.js";
import { versionsOf } from "../../publication/key-versions.js";
import { type KeyRows, lastNumber } from "../../rows.js";
import { unknownVersion } from "../find-version.js";

export interface CopyArtifact {
  readonly bucket: string;
  readonly key: string;
  /** The newest by default. For a move it must be the newest. */
  readonly version?: number | undefined;
  /** The source's bucket by default. */
  readonly to_bucket?: string | undefined;
  /** The source's key by default. It may be the source itself if `version` is given and nothing is moved. */
  readonly to_key?: string | undefined;
  /** The source is gone afterwards. */
  readonly move?: boolean | undefined;
  /** For a move: whether the older versions come along, as they do by default. Otherwise they are deleted. */
  readonly all_versions?: boolean | undefined;
  /** Guard of the target. A move onto a key that exists needs it. */
  readonly if_version?: number | undefined;
  readonly if_edit?: number | undefined;
  /** In place of that guard: the newest version of the target when the call begins, or its absence. */
  readonly ontoNewest?: boolean | undefined;
  /** Guard of the source. */
  readonly from_if_version?: number | undefined;
  readonly from_if_edit?: number | undefined;
  /** The name that the copier gave itself. Versions that are moved keep that of their saver. */
  readonly saved_by?: string | undefined;
}

/** The artifact at the target. */
export interface CopiedArtifact extends Artifact {
  /** For a move: how many versions came along. */
  readonly moved_versions?: number;
}

interface Place {
  readonly bucket: string;
  readonly key: string;
}

/** A request that was checked as far as it can be without the store. */
export interface CopyRequest {
  readonly from: Place;
  readonly to: Place;
  /** An older version is brought back: its copy becomes the newest one of its own key. */
  readonly isSameKey: boolean;
  readonly version: number | undefined;
  readonly isMove: boolean;
  readonly takesAll: boolean;
  readonly guard: Guard;
  readonly sourceGuard: Guard;
  readonly saved_by: string | undefined;
}

/** @throws ArtifactError `invalid_argument` */
export function checkCopy(wanted: CopyArtifact): CopyRequest {
  const { version, move: isMove = false, all_versions, if_version, if_edit, from_if_version, from_if_edit } = wanted;
  const { bucket, to_bucket = bucket, saved_by } = wanted;
  checkBucket(bucket);
  checkBucket(to_bucket);
  const key = toKey(wanted.key);
  const to_key = toKey(wanted.to_key ?? key);
  const isSameKey = to_bucket === bucket && to_key === key;
  if (isSameKey && (isMove || version === undefined)) {
    const message =
      "Source and target are the same key: give version to bring an older one back, or another to_key. Nothing was copied.";
    throw new ArtifactError("invalid_argument", message, { details: { argument: "to_key" } });
  }
  if (all_versions && !isMove) {
    const message = "all_versions is for a move only, and a copy has one version: leave it out, or pass move.";
    throw new ArtifactError("invalid_argument", message, { details: { argument: "all_versions" } });
  }
  return {
    from: { bucket, key },
    to: { bucket: to_bucket, key: to_key },
    isSameKey,
    version,
    isMove,
    takesAll: isMove && all_versions !== false,
    guard: { if_version, if_edit },
    sourceGuard: { if_version: from_if_version, if_edit: from_if_edit },
    saved_by,
  };
}

/** What a copy does. */
export interface CopyPlan {
  /** The versions of the source that are published at the target, newest first. */
  readonly taken: readonly Version[];
  /** The newest version of the target is the same already, so nothing is done. */
  readonly existing: Version | undefined;
}

/**
 * Decides what a copy does with the two keys as they are now. A key that has expired counts as absent.
 *
 * @throws ArtifactError `artifact_not_found`, `version_conflict`
 */
export function planCopy(
  request: CopyRequest,
  source: KeyRows,
  target: KeyRows,
  { nowSeconds, keepVersions }: { readonly nowSeconds: number; readonly keepVersions: number },
): CopyPlan {
  const { isMove, takesAll, version } = request;
  const versions = liveVersions(versionsOf(source), nowSeconds);
  const [inTarget] = liveVersions(versionsOf(target), nowSeconds);
  const [newest] = versions;
  const found = versionNumbered(versions, version);
  if (newest === undefined || found === undefined) throw noSource(request, versions, source, inTarget);
  if (!isGuardMet(request.sourceGuard, newest)) throw sourceChanged(request, newest);
  if (isMove && found !== newest) throw notNewest(request, found, newest);
  // A copy never expires, so a version that does is not the same. A move always makes its versions anew.
  const isThere = !isMove && inTarget?.expires_at === undefined && inTarget && isSameContent(inTarget, found);
  if (isThere) return { taken: [], existing: inTarget };
  checkTarget(request, inTarget);
  return { taken: takesAll ? versions.slice(0, keepVersions) : [found], existing: undefined };
}

/** A move without a guard needs a target that is absent, so nothing that another caller saves there is covered by it. */
function checkTarget({ isMove, guard, to }: CopyRequest, newest: Version | undefined): void {
  const wanted = isMove && guard.if_version === undefined ? { if_version: 0 } : guard;
  if (isGuardMet(wanted, newest)) return;
  const is = newest === undefined ? "does not exist" : `has version ${guardText(newest)} as its newest`;
  const what =
    guard.if_version === undefined
      ? `A move onto a key that exists needs if_version, and ${nameOf(to)} ${is}.`
      : `if_version is ${textOf(guard)}, but ${nameOf(to)} ${is}.`;
  const details = { ...to, if_version: guard.if_version ?? null, ...newestIn(newest) };
  throw conflict(`${what} Nothing was ${done(isMove)}.`, "copy_onto_newest", details);
}

function sourceChanged({ from, sourceGuard, isMove }: CopyRequest, newest: Version): ArtifactError {
  const what = `from_if_version is ${textOf(sourceGuard)}, but ${nameOf(from)} has version ${guardText(newest)} as its newest.`;
  const details = { ...from, from_if_version: sourceGuard.if_version ?? null, ...newestIn(newest) };
  return conflict(`${what} Nothing was ${done(isMove)}.`, "check_source", details);
}

function notNewest({ from }: CopyRequest, { version }: Version, newest: Version): ArtifactError {
  const what = `A move begins with the newest version, and that of ${nameOf(from)} is ${guardText(newest)}, not ${version}.`;
  const kept = "Leave version out, or copy that version without move. Nothing was moved.";
  return conflict(`${what} ${kept}`, "check_source", { ...from, ...newestIn(newest) });
}

/** @param inTarget the newest version of the target, if there is one */
function noSource(
  { from, to, version, isMove }: CopyRequest,
  versions: readonly Version[],
  source: KeyRows,
  inTarget: Version | undefined,
): ArtifactError {
  const last = lastNumber(source);
  if (versions.length > 0 || last === 0) return unknownVersion(from.bucket, from.key, { versions, last }, version);
  const target = isMove && inTarget !== undefined ? ` ${nameOf(to)} has version ${guardText(inTarget)}.` : "";
  const details = { ...from, last_version: last };
  return new ArtifactError(
    "artifact_not_found",
    `${absence(from.bucket, from.key, last)}.${target} Nothing was ${done(isMove)}.`,
    {
      next: "see_artifacts",
      details,
    },
  );
}

function conflict(message: string, next: "copy_onto_newest" | "check_source", details: ErrorDetails): ArtifactError {
  return new ArtifactError("version_conflict", message, { next, details });
}

/** The number of the newest version, 0 if there is none, and the text of a guard that it meets. */
function newestIn(newest: Version | undefined): { readonly version: number; readonly newest: string } {
  return { version: newest?.version ?? 0, newest: guardText(newest) };
}

const nameOf = ({ bucket, key }: Place): string => `${quote(key)} in bucket ${quote(bucket)}`;
const textOf = ({ if_version, if_edit }: Guard): string => guardText({ version: if_version ?? 0, edit: if_edit });
const done = (isMove: boolean): string => (isMove ? "moved" : "copied");
