import type { ArtifactRecord, SessionRecord, Version } from "../../src/store/model/records.js";
import type { Store, StoreOptions } from "../../src/store/store.js";
import { type Step, stepwise } from "./faults.js";
import type { StoredState } from "./invariants.js";
import type { MemoryFile } from "./memory-engines.js";
import { createMemoryEngines, type MemoryEngines, storeOn } from "./stores.js";

/** What became of the key's row, in order: `before` and `after` undefined where there was none. */
export interface Change {
  /** The process that made it. */
  readonly by: string;
  readonly before: ArtifactRecord | undefined;
  readonly after: ArtifactRecord | undefined;
  /** The version that it added, and the session that it came from as it was then. */
  readonly added: { readonly version: Version; readonly session: SessionRecord | undefined } | undefined;
  readonly removed: readonly Version[];
  /** Whether a version that was published after that session had been sealed is still there. */
  readonly isOvertaken: boolean;
}

/** The milliseconds since 1970 at which everything happens. */
export const sceneMs = 1_800_000_000_000;
export const keepVersions = 2;
export const dayMs = 24 * 60 * 60 * 1000;
/** Within the time for which what nobody owns is left alone, so that expiry comes first. */
export const sessionTtlMs = 30 * 60 * 1000;

/** Engines that processes share, and what happened on them. Everything on it is the same in each run. */
export class Scene {
  readonly changes: Change[];
  readonly rows: Map<string, string>;
  readonly segments: Map<string, MemoryFile>;
  readonly blobs: Map<string, MemoryFile>;
  /** Sessions that were ended as past their time, and were not. */
  readonly expiredTooSoon: string[];
  /** Sessions that had ended, and were ended otherwise. */
  readonly endedAgain: string[];
  /** How many changes there had been when a session became `completing`, the last time. */
  readonly sealed: Map<string, number>;

  constructor(from?: Scene) {
    const copies = new Map<MemoryFile, MemoryFile>();
    // A blob shares its segment's bytes, in the copy too.
    const copyOf = (file: MemoryFile): MemoryFile => {
      const copy = copies.get(file) ?? { ...file };
      copies.set(file, copy);
      return copy;
    };
    const copyFiles = (files: ReadonlyMap<string, MemoryFile> = new Map()) =>
      new Map([...files].map(([name, file]) => [name, copyOf(file)]));
    this.changes = [...(from?.changes ?? [])];
    this.rows = new Map(from?.rows);
    this.segments = copyFiles(from?.segments);
    this.blobs = copyFiles(from?.blobs);
    this.expiredTooSoon = [...(from?.expiredTooSoon ?? [])];
    this.endedAgain = [...(from?.endedAgain ?? [])];
    this.sealed = new Map(from?.sealed);
  }

  /** As one process sees them. Its names and revisions are its own, and its changes are noted. */
  engines(process: string, now = sceneMs): MemoryEngines {
    const newName = countUp(process);
    const shared = { rows: this.rows, segments: this.segments, blobs: this.blobs };
    const { metadata, blobs } = createMemoryEngines({ ...shared, newName, now: () => now });
    const replace: typeof metadata.replace = async (key, old, next, guard) => {
      const won = await metadata.replace(key, old, next, guard);
      if (won && key.startsWith("artifact:")) this.#note(process, old, next);
      if (won && key.startsWith("session:")) this.#noteSession(now, old, next);
      return won;
    };
    return { metadata: { ...metadata, replace }, blobs };
  }

  /** A store in a process of its own, each call of which to its engines is a `step`, where one is given. */
  store(process: string, { step, ...options }: Partial<StoreOptions> & { step?: Step } = {}): Store {
    const engines = this.engines(process, options.now?.() ?? sceneMs);
    const shared = { keepVersions, sessionTtlMs };
    const deterministic = { now: () => sceneMs, newId: countUp(`${process}-`), newRevision: countUp(process) };
    return storeOn(step ? stepwise(engines, step) : engines, { ...shared, ...deterministic, ...options });
  }

  get state(): StoredState {
    return { metadata: this, blobs: this };
  }

  session(id: string): SessionRecord | undefined {
    return parse(this.rows.get(`session:${id}`));
  }

  artifact(): ArtifactRecord | undefined {
    return parse(this.rows.get("artifact:b:k"));
  }

  /** The version that came from a session. */
  versionOf(session: string): Version | undefined {
    return this.artifact()?.versions.find((version) => version.session === session);
  }

  /** Whether there ever was such a version. */
  hasHad(version: number, sha256: string): boolean {
    return this.changes.some(({ added }) => added?.version.version === version && added.version.sha256 === sha256);
  }

  /** The sessions of all versions that there ever were, in order. */
  published(): string[] {
    return this.changes.flatMap(({ added }) => (added ? [added.version.session] : []));
  }

  rowsUnder(...prefixes: readonly string[]): string[] {
    return [...this.rows.keys()].filter((key) => prefixes.some((prefix) => key.startsWith(prefix)));
  }

  /** All that a process can find, and by what its changes are judged, as text. */
  contents(): string {
    const rows = [...this.rows].filter(([key]) => key !== "changed");
    const files = [...this.segments, ...this.blobs].map(([name, { bytes }]) => `${name}=${bytes.toString("latin1")}`);
    const lines = [...rows.map(([key, text]) => `${key}=${text}`), ...files].sort();
    const history = this.changes.map(({ by, added }) => `${by} ${added?.version.session}`);
    return [...lines, ...history, ...[...this.sealed].sort().map(String)].join("\n");
  }

  #note(by: string, old: string | undefined, next: string | undefined): void {
    const before = parse<ArtifactRecord>(old);
    const after = parse<ArtifactRecord>(next);
    const missingIn = (row: ArtifactRecord | undefined, { session }: Version): boolean =>
      !row?.versions.some((version) => version.session === session);
    const version = after?.versions.find((version) => missingIn(before, version));
    const removed = before?.versions.filter((version) => missingIn(after, version)) ?? [];
    const added = version && { version, session: this.session(version.session) };
    const since = this.changes.slice(this.sealed.get(version?.session ?? "") ?? 0);
    const isNewer = ({ session }: Version): boolean =>
      since.some((change) => change.added?.version.session === session);
    const isOvertaken = before?.versions.some(isNewer) === true;
    this.changes.push({ by, before, after, added, removed, isOvertaken });
  }

  #noteSession(now: number, old: string | undefined, next: string | undefined): void {
    const before = parse<SessionRecord>(old);
    const after = parse<SessionRecord>(next);
    if (after === undefined || after.status === before?.status) return;
    if (["complete", "aborted", "expired"].includes(before?.status ?? "")) this.endedAgain.push(after.id);
    if (after.status === "completing") this.sealed.set(after.id, this.changes.length);
    if (after.status === "expired" && after.expires_at * 1000 > now) this.expiredTooSoon.push(after.id);
  }
}

function parse<Value>(text: string | undefined): Value | undefined {
  return text === undefined ? undefined : JSON.parse(text);
}

function countUp(prefix: string): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `${prefix}${count}`;
  };
}
