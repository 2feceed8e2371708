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

/** What can go wrong with the disk of the process that is killed. */
export interface DiskFaults {
  failNextCall(call: string, code: string): void;
  failNextCommit(): void;
}

export type Call = (dying: StoreProcess, id: string, faults: DiskFaults) => Promise<unknown>;

/** An operation that a process is killed in. What it needs is prepared, and judged, by processes that live. */
export interface Scenario {
  readonly name: string;
  readonly options?: ProcessOptions;
  /** Opening the directory is part of it. */
  readonly isOpening?: boolean;
  /** What `verify` finds until the operation has been made again and a sweep has been. */
  readonly faults?: readonly FaultKind[];
  /** The file system is none of those that are known to sync what they write. */
  readonly isUnknownFileSystem?: boolean;
  /** Answers the session's id, where there is one. Whatever file is made here is old when the process begins. */
  prepare?(prepared: StoreProcess): Promise<string>;
  /** One call after the other; the process is killed in one of them, or behind them all. */
  readonly act: readonly Call[];
  /** What the process had answered holds, and the operation, made again, comes to its end. */
  check(store: Store, id: string, answered: number, living: StoreProcess): Promise<void>;
}

/** Too much for a row. */
export const medium = "in a file".repeat(8_000);
/** More than what goes to the disk at once. */
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

/** An upload whose chunks were taken by a process each. */
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

/** Sends what is missing of an upload and completes it. */
export async function carryOn(store: Store, id: string, text: string, acknowledged: number): Promise<void> {
  let { status, offset } = await store.uploads.get(id);
  assert.ok(offset >= acknowledged, `${acknowledged} bytes were acknowledged, ${offset} are there`);
  while (status === "open" && offset < text.length) {
    const bytes = bytesOf(text.slice(offset, offset + defaultMaxChunkBytes));
    ({ status, offset } = await store.uploads.append(id, offset, bytes));
  }
  const { artifact } = await store.uploads.complete(id);
  assert.ok(artifact, "complete without an artifact");
  assert.ok((await textOf(store, "b", "k", artifact.version)) === text, "another content");
}

/** The key's versions are exactly these, the newest first. */
export async function assertVersions(store: Store, versions: Readonly<Record<number, string>>): Promise<void> {
  const { data } = await store.artifacts.listVersions("b", "k", { limit: 9 });
  const texts = data.map(async ({ version }) => [version, await textOf(store, "b", "k", version)] as const);
  assert.deepEqual(Object.fromEntries(await Promise.all(texts)), versions);
}

export async function assertGone(store: Store, key = "k"): Promise<void> {
  await assert.rejects(store.artifacts.get("b", key), { code: "artifact_not_found" });
}

/** Deletes what may be gone already. */
export async function removeAgain({ artifacts }: Store, version?: number): Promise<void> {
  await artifacts.delete("b", "k", { version }).catch(({ code }) => assert.equal(code, "artifact_not_found"));
}

/** Tells a change by its rows. */
export type IsIt = (rows: readonly RowChange[]) => boolean;

export const isSession: IsIt = (rows) => rows.some(({ key }) => key.startsWith("session\t"));
export const isArtifact: IsIt = (rows) => rows.some(({ key }) => key.startsWith("artifact\t"));
export const toStatus =
  (word: string): IsIt =>
  (rows) =>
    rows.some(({ key, next }) => key.startsWith("session\t") && next?.includes(`"status":"${word}"`));
/** It counts what an upload has got behind `offset`. */
export const countsBehind =
  (offset: number): IsIt =>
  (rows) =>
    rows.some(({ old, next }) => next !== undefined && old?.includes(`"offset":${offset},`) === true);

/** The same engines, where `instead` is done once, in the place of the first change that `isIt` means. */
export function altered(
  { metadata, content }: Engines,
  isIt: IsIt,
  instead: (make: () => Promise<boolean>) => Promise<boolean>,
): Engines {
  let isDone = false;
  const change: MetadataStore["change"] = async (rows, pieces) => {
    if (isDone || !isIt(rows)) return metadata.change(rows, pieces);
    isDone = true;
    return instead(() => metadata.change(rows, pieces));
  };
  return { content, metadata: { ...metadata, change } };
}

/** The same engines, where `first` is done once, right before the first change that `isIt` means. */
export const interrupted = (engines: Engines, isIt: IsIt, first: () => Promise<unknown>): Engines =>
  altered(engines, isIt, async (make) => {
    await first();
    return make();
  });

/** A process's store that does not hear of one change, which was made or not. */
export function unheard(dying: StoreProcess, isIt: IsIt, isMade: boolean): Store {
  const instead = async (make: () => Promise<boolean>): Promise<never> => {
    if (isMade) await make();
    throw new ArtifactError("internal", "The disk failed.");
  };
  return dying.another(altered(dying.engines, isIt, instead));
}

/** A process's store for which the disk is full once, at a change. */
export function onFullDisk(dying: StoreProcess, isIt: IsIt): Store {
  const full = () => Promise.reject(new ArtifactError("storage_full", "The disk is full."));
  return dying.another(altered(dying.engines, isIt, full));
}

/** Leaves what `act` does where its engines fall asleep, as a process does that never wakes up again. */
export function left(
  sleeping: (sleep: () => Promise<never>) => Engines,
  act: (store: Store) => Promise<unknown>,
): Promise<void> {
  return new Promise((reached, failed) => {
    const sleep = () => new Promise<never>(() => reached());
    act(storeOn(sleeping(sleep))).then(() => failed(new Error("came to its end")), failed);
  });
}

/** The same, right before a change. */
export function leftBefore(
  { engines }: StoreProcess,
  isIt: IsIt,
  act: (store: Store) => Promise<unknown>,
): Promise<void> {
  return left((sleep) => interrupted(engines, isIt, sleep), act);
}

/** The same, right before it removes pieces. */
export function leftBeforeRemoval({ engines }: StoreProcess, act: (store: Store) => Promise<unknown>): Promise<void> {
  return left((sleep) => ({ ...engines, content: { ...engines.content, remove: sleep } }), act);
}

/** A piece that no row names. */
export async function leavePiece({ engines }: StoreProcess, session: string): Promise<void> {
  const writer = await engines.content.createPiece(session, 0);
  await writer.write(bytesOf("never counted"));
  await writer.close();
}
