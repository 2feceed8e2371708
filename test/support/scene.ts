import { isDeepStrictEqual } from "node:util";
import type { PieceLimits } from "../../src/store/model/limits.js";
import type {
  ArtifactRecord,
  BucketRecord,
  DueRecord,
  GoneRecord,
  SessionRecord,
  Version,
} from "../../src/store/model/records.js";
import type { RowChange } from "../../src/store/ports/metadata-store.js";
import type { Store, StoreOptions } from "../../src/store/store.js";
import { type Step, stepwise } from "./faults.js";
import type { StoredState } from "./invariants.js";
import type { MemoryFile } from "./memory-content-store.js";
import { createMemoryEngines, type MemoryEngines, storeOn } from "./stores.js";

/** One change of the row of a key. `before` and `after` are undefined if the row was absent. */
export interface Change {
  readonly key: string;
  /** The process that made it. */
  readonly by: string;
  readonly before: ArtifactRecord | undefined;
  readonly after: ArtifactRecord | undefined;
  /** The last version number before the change, also if the key had no version. */
  readonly lastBefore: number;
  /** The versions that the change added, newest first. Only a move adds several. */
  readonly added: readonly Version[];
  /** The session of these versions before. A save in one change has none. */
  readonly session: SessionRecord | undefined;
  readonly removed: readonly Version[];
  /** The versions that it changed in place, before and after. */
  readonly edits: readonly { readonly from: Version; readonly to: Version }[];
  /** What an earlier sweep has seen of the key, if the change drops its row. */
  readonly due: DueRecord | undefined;
  /** The limits of the bucket at that moment. */
  readonly limits: BucketRecord | undefined;
  /** The time of that process, in unix seconds. */
  readonly now: number;
  /** Whether the key has a version that was published after that session's last byte. */
  readonly isOvertaken: boolean;
  /** What the same step did to another key. */
  readonly other: { readonly added: readonly Version[]; readonly removed: readonly Version[] } | undefined;
}

/** The time at which everything happens, in milliseconds since 1970. */
export const sceneMs = 1_800_000_000_000;
export const keepVersions = 2;
export const dayMs = 24 * 60 * 60 * 1000;
/** Shorter than the time for which the sweep spares pieces that no row names, so that expiry comes first. */
export const sessionTtlMs = 30 * 60 * 1000;

/** Engines that processes share, and a record of what happened on them. Each run gives the same names and times. */
export class Scene {
  readonly pieceLimits: PieceLimits;
  /** Those of the key `k`. */
  readonly changes: Change[];
  /** Those of other keys. */
  readonly elsewhere: Change[];
  readonly rows: Map<string, string>;
  readonly rowPieces: Map<string, Uint8Array>;
  readonly files: Map<string, MemoryFile>;
  /** Sessions that were ended as expired before their time. */
  readonly expiredTooSoon: string[];
  /** Sessions that had ended, and were ended again with another status. */
  readonly endedAgain: string[];
  /** The number of changes at the time when each session got its last byte. */
  readonly filled: Map<string, number>;

  constructor(pieceLimits: PieceLimits, from?: Scene) {
    this.pieceLimits = pieceLimits;
    this.changes = [...(from?.changes ?? [])];
    this.elsewhere = [...(from?.elsewhere ?? [])];
    this.rows = new Map(from?.rows);
    this.rowPieces = new Map(from?.rowPieces);
    this.files = new Map([...(from?.files ?? [])].map(([name, file]) => [name, { ...file }]));
    this.expiredTooSoon = [...(from?.expiredTooSoon ?? [])];
    this.endedAgain = [...(from?.endedAgain ?? [])];
    this.filled = new Map(from?.filled);
  }

  copy(): Scene {
    return new Scene(this.pieceLimits, this);
  }

  /** The engines for one process. Its names and revisions are its own, and its changes are recorded. */
  engines(process: string, now = sceneMs): MemoryEngines {
    const newName = countUp(process);
    const shared = { rows: this.rows, rowPieces: this.rowPieces, pieces: this.files };
    const { metadata, content } = createMemoryEngines({ ...shared, newName, now: () => now });
    const change: typeof metadata.change = async (rows, pieces) => {
      const sessionsBefore = this.#sessions();
      const won = await metadata.change(rows, pieces);
      if (!won) return false;
      const changed = rows.filter(({ old, next }) => old !== next);
      for (const row of changed) {
        if (row.key.startsWith("artifact\t")) this.#note(process, row, { sessionsBefore, rows: changed, now });
        if (row.key.startsWith("session\t")) this.#noteSession(now, row.old, row.next);
      }
      return true;
    };
    return { metadata: { ...metadata, change }, content };
  }

  /** A store in a process of its own. If `step` is given, each call to its engines goes through it. */
  store(process: string, { step, ...options }: Partial<StoreOptions> & { step?: Step } = {}): Store {
    const engines = this.engines(process, options.now?.() ?? sceneMs);
    const shared = { keepVersions, sessionTtlMs, pieceLimits: this.pieceLimits };
    const deterministic = {
      freedGatherMs: 2 ** 31 - 1, // no timer fires during a test
      now: () => sceneMs,
      monotonicMs: () => 0,
      newId: countUp(`${process}-`),
      newRevision: countUp(process),
    };
    return storeOn(step ? stepwise(engines, step) : engines, { ...shared, ...deterministic, ...options });
  }

  get state(): StoredState {
    return { metadata: { rows: this.rows, pieceMap: this.rowPieces }, content: { files: this.files } };
  }

  session(id: string): SessionRecord | undefined {
    return parse(this.rows.get(`session\t${id}`));
  }

  artifact(): ArtifactRecord | undefined {
    return parse(this.rows.get(artifactRow));
  }

  /** The version that came from a session. */
  versionOf(session: string): Version | undefined {
    return this.artifact()?.versions.find((version) => version.session === session);
  }

  /** Whether the key has ever had such a version. */
  hasHad(version: number, sha256: string, key = "k"): boolean {
    return (key === "k" ? this.changes : this.elsewhere)
      .filter((change) => change.key === key)
      .some(({ added }) => added.some((known) => known.version === version && known.sha256 === sha256));
  }

  /** Whether the key has ever had such a version after such an edit; 0: as it was made. */
  hasBeen({ version, edit = 0, metadata, expires_at }: Partial<Version>): boolean {
    return this.changes.some(({ after }) =>
      after?.versions.some(
        (known) =>
          known.version === version &&
          (known.edit ?? 0) === edit &&
          known.expires_at === expires_at &&
          isDeepStrictEqual(known.metadata, metadata),
      ),
    );
  }

  /**
   * The sessions of all versions that have ever existed, once for each change that published them.
   *
   * @param but a key that is left out
   */
  published(but?: string): string[] {
    return [...this.changes, ...this.elsewhere]
      .filter(({ key }) => key !== but)
      .flatMap(({ added }) => [...new Set(added.map(({ session }) => session))]);
  }

  rowsUnder(...prefixes: readonly string[]): string[] {
    return [...this.rows.keys()].filter((key) => prefixes.some((prefix) => key.startsWith(prefix)));
  }

  /** Everything that a process can read, and the history that its changes are checked with, as text. */
  contents(): string {
    const rows = [...this.rows].filter(([key]) => !["changed", "clock", "store"].includes(key));
    const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
    const files = [...this.files].map(([name, { bytes }]) => `${name}=${latin1(bytes)}`);
    const inRows = [...this.rowPieces].map(([name, bytes]) => `${name} in a row=${latin1(bytes)}`);
    const lines = [...rows.map(([key, text]) => `${key}=${text}`), ...files, ...inRows].sort();
    const history = [...this.changes, ...this.elsewhere].map(
      ({ by, added, edits }) => `${by} ${added[0]?.session} ${JSON.stringify(edits.map(({ to }) => to))}`,
    );
    return [...lines, ...history, ...[...this.filled].sort().map(String)].join("\n");
  }

  #sessions(): Map<string, SessionRecord> {
    const sessions = [...this.rows].filter(([key]) => key.startsWith("session\t"));
    return new Map(sessions.map(([key, text]) => [key.slice("session\t".length), JSON.parse(text)]));
  }

  #note(by: string, { key: rowKey, old, next }: RowChange, { sessionsBefore, rows, now: nowMs }: Noted): void {
    const key = rowKey.slice(rowKey.lastIndexOf("\t") + 1);
    const { before, after, added, removed } = compared(old, next);
    const [newest] = added;
    const since = this.changes.slice(this.filled.get(newest?.session ?? "") ?? 0);
    const isNewer = ({ session }: Version): boolean =>
      since.some((change) => change.added.some((version) => version.session === session));
    const isOvertaken = before?.versions.some(isNewer) === true;
    const gone = parse<GoneRecord>(rows.find((row) => row.key === `gone\tb\t${key}`)?.old);
    const lastBefore = before?.last ?? gone?.last ?? 0;
    const edits = (before?.versions ?? []).flatMap((from) => {
      const to = after?.versions.find(({ session, version }) => session === from.session && version === from.version);
      return to === undefined || isDeepStrictEqual(from, to) ? [] : [{ from, to }];
    });
    const due = parse<DueRecord>(rows.find((row) => row.key === `due\tb\t${key}` && row.next === undefined)?.old);
    const now = nowMs / 1000;
    const session = sessionsBefore.get(newest?.session ?? "");
    const otherRow = rows.find((row) => row.key.startsWith("artifact\t") && row.key !== rowKey);
    const other = otherRow && compared(otherRow.old, otherRow.next);
    const changes = rowKey === artifactRow ? this.changes : this.elsewhere;
    const limits = parse<BucketRecord>(this.rows.get("bucket\tb"));
    const facts = { added, session, removed, edits, due, limits, now, isOvertaken, other };
    changes.push({ key, by, before, after, lastBefore, ...facts });
  }

  #noteSession(now: number, old: string | undefined, next: string | undefined): void {
    const before = parse<SessionRecord>(old);
    const after = parse<SessionRecord>(next);
    if (after === undefined) return;
    if (after.offset > (before?.offset ?? 0)) this.filled.set(after.id, this.changes.length);
    if (after.status === before?.status) return;
    if (["complete", "aborted", "expired"].includes(before?.status ?? "")) this.endedAgain.push(after.id);
    if (after.status === "expired" && (before?.expires_at ?? 0) * 1000 > now) this.expiredTooSoon.push(after.id);
  }
}

const artifactRow = "artifact\tb\tk";

interface Noted {
  readonly sessionsBefore: ReadonlyMap<string, SessionRecord>;
  /** All rows that the step changed. */
  readonly rows: readonly RowChange[];
  readonly now: number;
}

/** The versions that a change of an artifact row added and removed, newest first. */
function compared(old: string | undefined, next: string | undefined) {
  const before = parse<ArtifactRecord>(old);
  const after = parse<ArtifactRecord>(next);
  const missingIn = (row: ArtifactRecord | undefined, { version, session }: Version): boolean =>
    !row?.versions.some((known) => known.version === version && known.session === session);
  const added = after?.versions.filter((version) => missingIn(before, version)) ?? [];
  const removed = before?.versions.filter((version) => missingIn(after, version)) ?? [];
  return { before, after, added, removed };
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
