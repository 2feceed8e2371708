import assert from "node:assert/strict";
import { hasExpired, liveVersions } from "../../src/store/model/expiry.js";
import { guardText, isGuardMet } from "../../src/store/model/guard.js";
import type { Version } from "../../src/store/model/records.js";
import { type Operation, operations } from "./operations.js";
import { type Change, keepVersions } from "./scene.js";

/** Throws unless the operation of the process may change the key's row like this. @param names of all operations */
export function expectAllowed(change: Change, names: readonly string[]): void {
  const { by, before, after, added, removed } = change;
  const operation = operations[names[Number(by)] ?? ""];
  const isSweep = operation?.isSweep || by.startsWith("sweep");
  const [newest] = liveVersions(before?.versions ?? [], change.now);
  for (const { from, to } of change.edits) {
    assert.equal(from.session, newest?.session, "only the newest version is edited, and only while it is live");
    expectAllowedEdit(from, to, operation);
  }
  operation?.allows?.(change);
  if (added.length > 0) {
    expectAllowedVersions(change, { newest, operation, isSweep });
    return;
  }
  if (after !== undefined) assert.equal(after.last, before?.last, "the last version number");
  if (isSweep && removed.length > 0) expectAllowedToFree(change);
  else for (const { version } of removed) assert.ok(operation?.deletes?.(version), `${by} removed version ${version}`);
}

interface Maker {
  /** The newest version before, for a reader. */
  readonly newest: Version | undefined;
  readonly operation: Operation | undefined;
  readonly isSweep: boolean;
}

function expectAllowedVersions(
  { key, before, after, lastBefore, added, session, removed, isOvertaken }: Change,
  { newest, operation, isSweep }: Maker,
): void {
  const numbers = added.map((_, older) => lastBefore + added.length - older);
  assert.deepEqual(
    added.map(({ version }) => version),
    numbers,
    "a version number is never given twice",
  );
  assert.equal(after?.last, numbers[0], "the last version number");
  const past = (before?.versions ?? []).slice(keepVersions - added.length);
  assert.deepEqual(removed, past, "only versions past the limit are removed");
  if (operation?.guard !== undefined && key === "k") assert.equal(newest?.version ?? 0, operation.guard, "the guard");
  if (session === undefined) {
    assert.ok(!isSweep, "a sweep must not save anything");
    return;
  }
  assert.ok(["open", "conflict"].includes(session.status), "the status of a session that is published");
  const isOwnMet = operation?.if_version !== undefined && isGuardMet(operation, newest);
  const isMet = isGuardMet(session, newest) || isOwnMet;
  assert.ok(isMet, `if_version ${session.if_version} on top of ${guardText(newest)}`);
  if (isSweep) assert.ok(session.is_listed && !isOvertaken, "a sweep published an upload on top of a later version");
}

/** An edit is the next one, and changes only metadata and expiry. Only an update makes one. */
function expectAllowedEdit(from: Version, to: Version, operation: Operation | undefined): void {
  const fixed = ({ edit, metadata, expires_at, idempotency_keys, ...rest }: Version) => rest;
  assert.deepEqual(fixed(to), fixed(from), "the content of a version never changes");
  assert.equal(to.edit, (from.edit ?? 0) + 1, "the number of an edit");
  assert.ok(operation?.isUpdate, "only an update edits a version");
  assert.ok(isGuardMet(operation, from), `an update under ${operation.if_version} of ${guardText(from)}`);
}

/** A sweep frees a key that has expired, and that an earlier sweep has seen as it is. */
function expectAllowedToFree({ by, before, after, due, now }: Change): void {
  const newest = before?.versions[0];
  assert.equal(after, undefined, "a sweep frees a whole key");
  assert.ok(hasExpired(newest, now), "a sweep has freed a key that has not expired");
  assert.deepEqual([due?.version, due?.edit], [newest?.version, newest?.edit ?? 0], "what an earlier sweep has seen");
  const graceSeconds = by.startsWith("sweep") ? 0 : 60 * 60;
  assert.ok(due !== undefined && now - due.at >= graceSeconds, "the earlier sweep was too short ago");
}
