import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { UpdateArtifact } from "../../src/store/artifacts/artifact-update.js";
import type { CopyArtifact } from "../../src/store/artifacts/copy/copy-request.js";
import type { Artifact } from "../../src/store/model/artifact.js";
import { ArtifactError, type ErrorCode } from "../../src/store/model/errors.js";
import type { Version } from "../../src/store/model/records.js";
import type { UploadSession } from "../../src/store/model/upload-session.js";
import type { Store } from "../../src/store/store.js";
import { contentOfPieces } from "./invariants.js";
import { type Change, dayMs, keepVersions, type Scene, sceneMs, sessionTtlMs } from "./scene.js";
import { interleavedSource, sourceOf } from "./sources.js";
import { bytesOf, saveText, textOf } from "./stores.js";

/** What one process does with the key `k` in bucket `b`, and with the session `id`. */
export interface Operation {
  run(store: Store, id: string): Promise<unknown>;
  /** Throws unless the promise of the answer is kept. Called at every later moment, whatever the others do. */
  promises?(answer: unknown, moment: Moment): void;
  /** The versions that the operation may remove. */
  readonly deletes?: (version: number) => boolean;
  /** Whether the operation may change metadata and expiry of a version in place. */
  readonly isUpdate?: boolean;
  /** Whether the operation may end the session without publishing it. */
  readonly mayEnd?: boolean;
  readonly isSweep?: boolean;
  /** Throws unless the operation may make this change, of the key `k` or of another key. */
  readonly allows?: (change: Change) => void;
  /** The guard of a completion, in place of the session's own; or the guard of an update. */
  readonly if_version?: number;
  /** The number that the newest version must have when this operation adds another one. */
  readonly guard?: number;
  /** The first change of a row of this kind fails for this operation, after its effect. */
  readonly unheard?: string;
  /** The change that fails is made later, at any moment, or never. */
  readonly isLate?: boolean;
  /** The time of its process in milliseconds since 1970, if it is another than that of the others. */
  readonly nowMs?: number;
}

export interface Moment {
  readonly scene: Scene;
  readonly id: string;
  /** The process that was answered. */
  readonly by: string;
  /** Whether another process may have ended the session without publishing it. */
  readonly mayHaveEnded: boolean;
}

/** A time when a version that has expired at `sceneMs` had not expired yet. */
const liveMs = sceneMs - 5 * 30 * 60 * 1000;
/** A time when the sweep publishes full uploads, and no session has expired. */
const soonMs = sceneMs + (2 * sessionTtlMs) / 3;
/** A time just before the expiry. A session that gets bytes now has not expired at `lateMs`. */
export const inTimeMs = sceneMs + sessionTtlMs - 1000;
/** A time when every session without new bytes has expired, except those with a long lifetime. */
const lateMs = sceneMs + (3 * sessionTtlMs) / 2;
/** A time when the sweep no longer spares pieces that no row names. */
const muchLaterMs = sceneMs + 2 * dayMs;

const get: Operation = { run: ({ uploads }, id) => uploads.get(id), promises: expectUpload };
const sweep: Operation = { run: ({ sweep }) => sweep.run({ trustsClock: true }), isSweep: true };

/** Seconds. What is made at `sceneMs` is older at `soonMs`, and what is made then is not. */
const maxAge = 10 * 60;

/** The key that some operations save first. */
export const sourceKey = "s";

/** All operations by name. The search runs every pair of them. */
export const operations: Readonly<Record<string, Operation>> = {
  complete: complete(),
  "complete, answer lost": { ...complete(), unheard: "session\t" },
  "complete, made late": { ...complete(), unheard: "session\t", isLate: true },
  "append the last bytes, made late": { ...append("def"), unheard: "session\t", isLate: true },
  "complete under if_version 1": complete(1),
  "append the last bytes": append("def"),
  "append other bytes in time": { ...append("xyz"), nowMs: inTimeMs },
  "stream the last bytes, with a get in between": {
    ...append("def"),
    run: ({ uploads }, id) =>
      uploads.appendStream(
        id,
        interleavedSource(() => uploads.get(id), "d", "ef"),
        { offset: 3 },
      ),
  },
  "stream the last bytes, with the digest of the whole": {
    ...append("def"),
    run: ({ uploads }, id) =>
      uploads.appendStream(id, sourceOf(bytesOf("def")), { offset: 3, sha256: digestOf("abcdef") }),
  },
  "append all and complete": {
    ...append("def"),
    async run({ uploads }, id) {
      await uploads.append(id, 0, bytesOf("abc"));
      await uploads.append(id, 3, bytesOf("def"));
      return uploads.complete(id);
    },
  },
  get,
  abort: { run: ({ uploads }, id) => uploads.abort(id), promises: expectUpload, mayEnd: true },
  save: save("saved"),
  "save that expires": save("abc", undefined, 60 * 60),
  "update metadata": update({ metadata: { said: "one" } }),
  "update under if_version 1": update({ metadata: { said: "two" }, merge: true, if_version: 1 }),
  "update, answer lost": { ...update({ metadata: { said: "three" } }), unheard: "artifact\t" },
  "update, made late": { ...update({ metadata: { said: "four" } }), unheard: "artifact\t", isLate: true },
  "keep for ever, by a clock that is behind": { ...update({ expires_in: null }), nowMs: liveMs },
  "save under if_version 1": save("guarded", 1),
  "save the content of the upload": save("abc"),
  "delete all": remove(undefined),
  "delete version 1": remove(1),
  "delete version 2": remove(2),
  "delete all and complete": remove(undefined, ({ uploads }, id) => uploads.complete(id)),
  "delete all and save": remove(undefined, (store) => saveText(store, "b", "k", "saved again")),
  "save and delete all": {
    async run(store) {
      const saved = await saveText(store, "b", "k", "for a moment");
      // Another process may have deleted it before.
      await store.artifacts.delete("b", "k").catch((error) => expectAnswerable(error, Object.values(operations)));
      return saved;
    },
    deletes: () => true,
  },
  copy: copy({ key: "k", to_key: "c" }),
  "copy, answer lost": { ...copy({ key: "k", to_key: "c" }), unheard: "artifact\t" },
  "copy over": afterSavingSource(copy({ key: sourceKey, to_key: "k" })),
  "bring version 1 back": copy({ key: "k", to_key: "k", version: 1 }),
  "bring version 1 back under if_version 2": {
    ...copy({ key: "k", to_key: "k", version: 1, if_version: 2, from_if_version: 2 }),
    guard: 2,
  },
  "move the newest": move({ key: "k", to_key: "c", all_versions: false }),
  "move all versions": move({ key: "k", to_key: "c" }),
  "move all versions, made late": { ...move({ key: "k", to_key: "c" }), unheard: "artifact\t", isLate: true },
  "move under a guard of the source": move({ key: "k", to_key: "c", from_if_version: 1 }),
  "move onto version 1": { ...afterSavingSource(move({ key: sourceKey, to_key: "k", if_version: 1 })), guard: 1 },
  "delete under": {
    async run({ artifacts }) {
      const found = await artifacts.deleteUnder({ bucket: "b", prefix: "k" });
      const newest = await artifacts.get("b", "k").catch(() => undefined);
      if (!("confirm" in found)) return undefined;
      await artifacts.deleteUnder({ bucket: "b", prefix: "k", confirm: found.confirm });
      return newest?.version ?? 0;
    },
    promises(seen, { scene, by }) {
      const own = scene.changes.filter((change) => change.by === by).flatMap(({ removed }) => removed);
      // Another process may have deleted the key before it was looked at.
      for (const { version } of own) assert.ok(version <= Number(seen), `version ${version} was saved since`);
    },
    deletes: () => true,
  },
  "delete what is too old": {
    async run({ buckets, ageLimits }) {
      await buckets.set("b", { max_age: maxAge });
      return ageLimits.run({ trustsClock: true });
    },
    deletes: () => true,
    allows({ removed, before, after, limits, now }) {
      if (removed.length === 0) return;
      assert.equal(after, undefined, "the key is gone");
      assert.equal(limits?.max_age, maxAge, "an artifact was deleted after the limit of its bucket was taken away");
      const age = now - (before?.versions[0]?.created_at ?? now);
      assert.ok(age >= maxAge, `an artifact was deleted whose newest version is ${age} seconds old`);
    },
    nowMs: soonMs,
  },
  "take the limit of age away": { run: ({ buckets }) => buckets.set("b", { max_age: null }) },
  "save later": { ...save("saved later"), nowMs: soonMs },
  "begin with the newest version": { run: begin, promises: expectBegun },
  "extend the newest version": {
    async run(store) {
      const { id, offset } = await begin(store);
      await store.uploads.append(id, offset, bytesOf("+"));
      return store.uploads.complete(id);
    },
    promises: expectBegun,
  },
  read: { run: (store) => textOf(store, "b", "k") },
  "get after the expiry": { ...get, nowMs: lateMs },
  "sweep soon": { ...sweep, nowMs: soonMs },
  "sweep late": { ...sweep, nowMs: lateMs, mayEnd: true },
  "sweep much later": { ...sweep, nowMs: muchLaterMs, mayEnd: true },
};

export function operationOf(name: string): Operation {
  const operation = operations[name];
  if (operation === undefined) throw new Error(`there is no operation ${name}`);
  return operation;
}

const answerable: readonly ErrorCode[] = [
  "bucket_not_found",
  "artifact_not_found",
  "session_closed",
  "offset_conflict",
  "version_conflict",
  "size_exceeded",
  "incomplete",
  "storage_full",
];

/** The error of an engine whose step was done, but whose answer was lost. */
export const unheardError = new ArtifactError("internal", "the answer was lost");

/** Throws unless the error is one that other operations can cause, and that the caller can act on. */
export function expectAnswerable(error: unknown, others: readonly Operation[]): void {
  if (error === unheardError) return;
  if (!(error instanceof ArtifactError)) throw error;
  const hasExpired = others.some(({ nowMs = sceneMs }) => nowMs >= lateMs);
  const codes = [...answerable, ...(hasExpired ? ["session_expired", "session_not_found"] : [])];
  // One operation gives the digest of the whole. If others were faster, the content is another one.
  const isOtherWhole = error.code === "checksum_mismatch" && error.details["expected"] === digestOf("abcdef");
  const isGivenUp =
    /^(Saving|Copying|Creating the session) took too long/.test(error.message) && others.some(({ isSweep }) => isSweep);
  if (!isGivenUp && !isOtherWhole) assert.ok(codes.includes(error.code), `failed with ${error.code}: ${error.message}`);
}

function complete(if_version?: number): Operation {
  const run: Operation["run"] = ({ uploads }, id) => uploads.complete(id, { if_version });
  return { run, promises: expectUpload, ...(if_version === undefined ? {} : { if_version }) };
}

/** Appends bytes after the first three. */
function append(text: string): Operation {
  return {
    run: ({ uploads }, id) => uploads.append(id, 3, bytesOf(text)),
    promises(answer, moment) {
      expectUpload(answer, moment);
      const now = moment.scene.session(moment.id);
      if (now?.artifact)
        assert.equal(now.artifact.sha256, digestOf(`abc${text}`), "the acknowledged bytes are published");
    },
  };
}

function save(text: string, if_version?: number, expires_in?: number): Operation {
  const wanted = { bucket: "b", key: "k", bytes: bytesOf(text), defaultMimeType: "text/plain", if_version, expires_in };
  return {
    run: ({ artifacts }) => artifacts.save(wanted),
    promises(answer, { scene }) {
      const { version } = answer as { version: number };
      assert.ok(scene.hasHad(version, digestOf(text)), `version ${version} was reported as saved and never existed`);
    },
  };
}

/** Updates the newest version. */
function update(wanted: Omit<UpdateArtifact, "bucket" | "key"> & { readonly if_version?: number }): Operation {
  const { if_version } = wanted;
  return {
    run: ({ artifacts }) => artifacts.update({ bucket: "b", key: "k", ...wanted }),
    promises(answer, { scene }) {
      const { version, edit = 0, metadata, expires_at } = answer as Artifact;
      const isKnown = scene.hasBeen({ version, edit, metadata: { ...metadata }, expires_at });
      assert.ok(isKnown, `edit ${edit} of version ${version} was reported and never existed`);
      const now = scene.artifact()?.versions.find((known) => known.version === version);
      assert.ok(now === undefined || (now.edit ?? 0) >= edit, `edit ${edit} of version ${version} was lost`);
    },
    isUpdate: true,
    ...(if_version === undefined ? {} : { if_version }),
  };
}

/** Creates another session, which begins with the newest version of the key. */
function begin({ uploads }: Store): Promise<UploadSession> {
  return uploads.create({ bucket: "b", key: "k", from: { bucket: "b", key: "k" } });
}

/** Checks the promises about a session that began with a version: its bytes follow those of that version. */
function expectBegun(answer: unknown, moment: Moment): void {
  const { id, if_version } = answer as UploadSession;
  expectUpload(answer, { ...moment, id });
  const now = moment.scene.session(id);
  if (now?.status !== "open" && now?.status !== "conflict") return;
  const start = moment.scene.changes
    .flatMap(({ added }) => added)
    .find(({ version }) => version === Number.parseInt(String(if_version), 10));
  assert.ok(start !== undefined, "a session began with a version that never existed");
  const bytes = contentOfPieces(moment.scene.state, id, now.pieces).subarray(0, start.bytes);
  assert.equal(digestOf(bytes), start.sha256, "a session begins with the bytes of its version");
}

/** Deletes one version, or all, and then runs `after`, which may fail with an expected error. */
function remove(which: number | undefined, after?: Operation["run"]): Operation {
  return {
    async run(store, id) {
      const gone = await store.artifacts.delete("b", "k", { version: which });
      await after?.(store, id).catch((error) => expectAnswerable(error, Object.values(operations)));
      return gone;
    },
    promises(answer, { scene, by }) {
      const { version, already_deleted } = answer as { version: number; already_deleted?: true };
      if (already_deleted) return;
      const own = scene.changes.filter((change) => change.by === by).flatMap(({ removed }) => removed);
      assert.ok(own.map(({ version }) => version).includes(version), `version ${version} was not deleted by ${by}`);
    },
    deletes: (version) => which === undefined || which === version,
  };
}

type Copy = Omit<CopyArtifact, "bucket"> & { readonly to_key: string };

function copy({ key, to_key, ...more }: Copy): Operation {
  return {
    run: ({ artifacts }) => artifacts.copy({ bucket: "b", key, to_key, ...more }),
    promises(answer, { scene }) {
      const { version, sha256 } = answer as Artifact;
      assert.ok(
        scene.hasHad(version, sha256, to_key),
        `version ${version} of ${to_key} was answered and never existed`,
      );
    },
  };
}

/** A move of a key. What leaves it must arrive at the target in the same change, and nothing else may. */
function move(wanted: Copy): Operation {
  const { key, to_key, if_version = 0, from_if_version, all_versions } = wanted;
  const facts = ({ sha256, created_at }: Version) => ({ sha256, created_at });
  return {
    ...copy({ ...wanted, move: true }),
    deletes: () => true,
    allows(change) {
      if (change.key === to_key && change.added.length > 0 && change.other !== undefined) {
        assert.equal(change.before?.versions[0]?.version ?? 0, if_version, "the guard of the target");
      }
      if (change.key !== key || change.removed.length === 0) return;
      assert.equal(change.after, undefined, "the key is gone");
      const newest = change.removed[0]?.version;
      if (from_if_version !== undefined) assert.equal(newest, from_if_version, "the guard of the source");
      const taken = all_versions === false ? 1 : keepVersions;
      assert.deepEqual(change.other?.added.map(facts), change.removed.slice(0, taken).map(facts), "what was moved");
    },
  };
}

/** The operation, after it has saved its source. */
function afterSavingSource(operation: Operation): Operation {
  return {
    ...operation,
    async run(store, id) {
      await saveText(store, "b", sourceKey, "elsewhere");
      return operation.run(store, id);
    },
  };
}

/** Checks the promises of any answer about the session. */
function expectUpload(answer: unknown, { scene, id, mayHaveEnded }: Moment): void {
  const { status, offset, artifact } = answer as UploadSession;
  const now = scene.session(id);
  const hasEnded = now === undefined || now.status === "aborted" || now.status === "expired";
  if (status === "expired") return; // only by the clock of its process; the row is unchanged
  if (status === "aborted") {
    assert.ok(hasEnded, "an upload that was ended continues");
    assert.ok(!scene.published().includes(id), "an upload that was ended is published");
  } else if (hasEnded) {
    assert.ok(mayHaveEnded, "an upload has ended without a call that ends it");
  } else if (artifact !== undefined) {
    assert.ok(scene.hasHad(artifact.version, artifact.sha256), "a complete upload names a version that never existed");
    assert.equal(now.artifact?.version, artifact.version, "a complete upload names another version");
  } else assert.ok(now.offset >= offset, "acknowledged bytes are still counted");
}

export const digestOf = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");
