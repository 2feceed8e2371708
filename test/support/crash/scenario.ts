import assert from "node:assert/strict";
import type { FaultKind } from "../../../src/store/maintenance/verify-report.js";
import { ArtifactError } from "../../../src/store/model/errors.js";
import { defaultMaxChunkBytes } from "../../../src/store/model/limits.js";
import type { MetadataStore, RowChange } from "../../../src/store/ports/metadata-store.js";
import type { Store } from "../../../src/store/store.js";
import type { Engines } from "../faults.js";
import { sourceOf } from "../sources.js";
import { bytesOf, saveText, storeOn, textOf } from "../stores.js";
import type { ProcessOptions, StoreProcess } from "./process.js";

/** Faults of the disk for the process that is killed. */
export interface DiskFaults {
  failNextCall(call: string, code: string): void;
  failNextCommit(): void;
}

export type Call = (dying: StoreProcess, id: string, faults: DiskFaults) => Promise<unknown>;

/** An operation during which a process is killed. Other processes prepare it and check the result. */
export interface Scenario {
  readonly name: string;
  readonly options?: ProcessOptions;
  /** Whether opening the data directory is part of the operation. */
  readonly isOpening?: boolean;
  /** Kinds of faults that `verify` may find until the operation was done again and a sweep has run. */
  readonly faults?: readonly FaultKind[];
  /** Whether the file system is not known to sync each write. */
  readonly isUnknownFileSystem?: boolean;
  /** Returns the session's id, or an empty text. The files that it makes are old when the process begins. */
  prepare?(prepared: StoreProcess): Promise<string>;
  /** Calls, made one after the other. The process is killed during one of them, or after the last. */
  readonly act: readonly Call[];
  /** Does the operation again, and checks the result and that the answers of the process are still true. */
  check(store: Store, id: string, answered: number, living: StoreProcess): Promise<void>;
}

/** A text that is too large for a row. */
export const medium = "in a file".repeat(8_000);
/** A text that is larger than one write to the disk. */
export const large = "0123456789abcdef".repeat(5 << 14);

export const append =
  (offset: number, text: string): Call =>
  ({ store }, id) =>
    store.uploads.append(id, offset, bytesOf(text));
export const stream =
  (...texts: readonly string[]): Call =>
  ({ store }, id) =>
    store.uploads.appendStream(id, sourceOf(...texts.map(bytesOf)));
export const declare =
  (size: number): Call =>
  ({ store }, id) =>
    store.uploads.declareSize(id, size);
export const complete: Call = ({ store }, id) => store.uploads.complete(id);
export const abort: Call = ({ store }, id) => store.uploads.abort(id);
export const save =
  (text: string): Call =>
  ({ store }) =>
    saveText(store, "b", "k", text);
export const remove =
  (version?: number): Call =>
  ({ store }) =>
    store.artifacts.delete("b", "k", { version });
export const sweep: Call = ({ store }) => store.sweep.run({ graceMs: 0, trustsClock: true });
export const repair: Call = ({ store }) => store.verify({ repair: true });

export async function begun({ uploads }: Store, text: string, upload = {}): Promise<string> {
  const { id } = await uploads.create({ bucket: "b", key: "k", ...upload });
  if (text !== "") await uploads.append(id, 0, bytesOf(text));
  return id;
}

/** Begins an upload, each chunk of which is appended by a process of its own. */
export async function begunByMany(prepared: StoreProcess, chunks: readonly string[], upload = {}): Promise<string> {
  const id = await begun(prepared.store, "", upload);
  let offset = 0;
  for (const chunk of chunks) {
    const other = prepared.another();
    await other.uploads.append(id, offset, bytesOf(chunk));
    await other.uploads.close();
    offset += chunk.length;
  }
  return id;
}

export async function saved(store: Store, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) await saveText(store, "b", "k", text);
}

/** Sends the missing bytes of an upload and completes it. */
export async function carryOn(store: Store, id: string, text: string, acknowledged: number): Promise<void> {
  let { status, offset } = await store.uploads.get(id);
  assert.ok(offset >= acknowledged, `${acknowledged} bytes were acknowledged, ${offset} are stored`);
  while (status === "open" && offset < text.length) {
    const bytes = bytesOf(text.slice(offset, offset + defaultMaxChunkBytes));
    ({ status, offset } = await store.uploads.append(id, offset, bytes));
  }
  const { artifact } = await store.uploads.complete(id);
  assert.ok(artifact, "complete without an artifact");
  assert.ok((await textOf(store, "b", "k", artifact.version)) === text, "the content differs");
}

/** Asserts that the key has exactly these versions. */
export async function assertVersions(store: Store, versions: Readonly<Record<number, string>>): Promise<void> {
  const { data } = await store.artifacts.listVersions("b", "k", { limit: 9 });
  const texts = data.map(async ({ version }) => [version, await textOf(store, "b", "k", version)] as const);
  assert.deepEqual(Object.fromEntries(await Promise.all(texts)), versions);
}

export async function assertGone(store: Store, key = "k"): Promise<void> {
  await assert.rejects(store.artifacts.get("b", key), { code: "artifact_not_found" });
}

/** Deletes a version, or all of them. They may be gone already. */
export async function removeAgain({ artifacts }: Store, version?: number): Promise<void> {
  await artifacts.delete("b", "k", { version }).catch(({ code }) => assert.equal(code, "artifact_not_found"));
}

/** Recognizes a change by its rows. */
export type ChangeMatcher = (rows: readonly RowChange[]) => boolean;

export const isSession: ChangeMatcher = (rows) => rows.some(({ key }) => key.startsWith("session\t"));
export const isArtifact: ChangeMatcher = (rows) => rows.some(({ key }) => key.startsWith("artifact\t"));
export const toStatus =
  (word: string): ChangeMatcher =>
  (rows) =>
    rows.some(({ key, next }) => key.startsWith("session\t") && next?.includes(`"status":"${word}"`));
/** The change counts bytes of an upload after `offset`. */
export const countsAfter =
  (offset: number): ChangeMatcher =>
  (rows) =>
    rows.some(({ old, next }) => next !== undefined && old?.includes(`"offset":${offset},`) === true);

/** The same engines, but `instead` runs once, in place of the first change that `isMatch` accepts. */
export function altered(
  { metadata, content }: Engines,
  isMatch: ChangeMatcher,
  instead: (make: () => Promise<boolean>) => Promise<boolean>,
): Engines {
  let isDone = false;
  const change: MetadataStore["change"] = async (rows, pieces) => {
    if (isDone || !isMatch(rows)) return metadata.change(rows, pieces);
    isDone = true;
    return instead(() => metadata.change(rows, pieces));
  };
  return { content, metadata: { ...metadata, change } };
}

/** The same engines, but `first` runs once, right before the first change that `isMatch` accepts. */
export const interrupted = (engines: Engines, isMatch: ChangeMatcher, first: () => Promise<unknown>): Engines =>
  altered(engines, isMatch, async (make) => {
    await first();
    return make();
  });

/** A store for which one change fails with an unknown outcome. `isMade` says whether it was made. */
export function withAnswerLost(dying: StoreProcess, isMatch: ChangeMatcher, isMade: boolean): Store {
  const instead = async (make: () => Promise<boolean>): Promise<never> => {
    if (isMade) await make();
    throw new ArtifactError("internal", "The disk failed.");
  };
  return dying.another(altered(dying.engines, isMatch, instead));
}

/** A store for which the disk is full at one change. */
export function onFullDisk(dying: StoreProcess, isMatch: ChangeMatcher): Store {
  const full = () => Promise.reject(new ArtifactError("storage_full", "The disk is full."));
  return dying.another(altered(dying.engines, isMatch, full));
}

/** Runs `act` until its engines fall asleep, and leaves it there, like a process that never wakes up again. */
export function abandonedAt(
  sleeping: (sleep: () => Promise<never>) => Engines,
  act: (store: Store) => Promise<unknown>,
): Promise<void> {
  return new Promise((reached, failed) => {
    const sleep = () => new Promise<never>(() => reached());
    act(storeOn(sleeping(sleep))).then(() => failed(new Error("`act` ended before its engines fell asleep")), failed);
  });
}

/** Runs `act` and leaves it right before a change. */
export function abandonedBefore(
  { engines }: StoreProcess,
  isMatch: ChangeMatcher,
  act: (store: Store) => Promise<unknown>,
): Promise<void> {
  return abandonedAt((sleep) => interrupted(engines, isMatch, sleep), act);
}

/** Runs `act` and leaves it right before it removes pieces. */
export function abandonedBeforeRemoval(
  { engines }: StoreProcess,
  act: (store: Store) => Promise<unknown>,
): Promise<void> {
  return abandonedAt((sleep) => ({ ...engines, content: { ...engines.content, remove: sleep } }), act);
}

/** Makes a piece that no row names. */
export async function leavePiece({ engines }: StoreProcess, session: string): Promise<void> {
  const writer = await engines.content.createPiece(session, 0);
  await writer.write(bytesOf("never counted"));
  await writer.close();
}
