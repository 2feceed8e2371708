import { expect } from "vitest";
import type { ArtifactRecord, SessionRecord } from "../../src/store/rows.js";

/** Every row's text and every file's bytes, wherever they lie. */
export interface StoredState {
  readonly metadata: { readonly rows: ReadonlyMap<string, string> };
  readonly blobs: {
    /** By session. */
    readonly blobs: ReadonlyMap<string, { readonly bytes: Uint8Array }>;
    /** By `<session>/<name>`. */
    readonly segments: ReadonlyMap<string, { readonly bytes: Uint8Array }>;
  };
}

/** What must hold at any moment, whoever died where: the checks of the publication model on real rows. */
export function expectSound({ metadata, blobs }: StoredState): void {
  const { artifacts, sessions } = read(metadata.rows);
  const published = artifacts.flatMap(({ versions }) => versions.map(({ session }) => session));
  expect(new Set(published).size, "published twice").toBe(published.length);
  for (const { last, versions } of artifacts) {
    const numbers = versions.map(({ version }) => version);
    expect(new Set(numbers).size, "a number twice").toBe(numbers.length);
    expect(last).toBeGreaterThanOrEqual(Math.max(...numbers));
    for (const { session, bytes } of versions) {
      expect(blobs.blobs.get(session)?.bytes.length, `the bytes of ${session}`).toBe(bytes);
      const owner = sessions.get(session);
      expect(["completing", "complete", undefined]).toContain(owner?.status);
      if (owner?.status === "complete") expect(owner.artifact?.session, `what ${session} says`).toBe(session);
    }
  }
  for (const { id, status, segments, offset } of sessions.values()) {
    if (!["open", "completing", "held"].includes(status) || published.includes(id)) continue;
    for (const { name, bytes } of segments) {
      const file = blobs.segments.get(`${id}/${name}`);
      expect(file?.bytes.length ?? -1, `segment ${name} of ${id}`).toBeGreaterThanOrEqual(bytes);
    }
    expect(segments.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(offset);
  }
}

/** Blobs and segments without an owner. */
export function leaked(state: StoredState): { readonly blobs: string[]; readonly segments: string[] } {
  const { artifacts, sessions } = read(state.metadata.rows);
  const published = artifacts.flatMap(({ versions }) => versions.map(({ session }) => session));
  const unfinished = [...sessions.values()].filter(({ status }) => ["open", "completing", "held"].includes(status));
  const held = unfinished.filter(({ status }) => status !== "open").map(({ id }) => id);
  const owned = unfinished.flatMap(({ id, segments }) => segments.map(({ name }) => `${id}/${name}`));
  return {
    blobs: [...state.blobs.blobs.keys()].filter((id) => !published.includes(id) && !held.includes(id)),
    segments: [...state.blobs.segments.keys()].filter((name) => !owned.includes(name)),
  };
}

/** Besides, where nobody died: every blob and segment has its owner. */
export function expectNothingLeaked(state: StoredState): void {
  expect(leaked(state)).toEqual({ blobs: [], segments: [] });
}

function read(rows: ReadonlyMap<string, string>) {
  const artifacts: ArtifactRecord[] = [];
  const sessions = new Map<string, SessionRecord>();
  for (const [key, text] of rows) {
    if (key.startsWith("artifact:")) artifacts.push(JSON.parse(text));
    if (key.startsWith("session:")) sessions.set(key.slice("session:".length), JSON.parse(text));
  }
  return { artifacts, sessions };
}
