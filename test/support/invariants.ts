import assert from "node:assert/strict";
import type { ArtifactRecord, SessionRecord } from "../../src/store/model/records.js";

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

/*
 * Node's own assertions: the search over schedules asks hundreds of thousands of times, for which `expect` is slow.
 */

/** What must hold at any moment, whoever died where: the checks of the publication model on real rows. */
export function expectSound({ metadata, blobs }: StoredState): void {
  const { artifacts, sessions } = read(metadata.rows);
  const published = artifacts.flatMap(({ versions }) => versions.map(({ session }) => session));
  assert.equal(new Set(published).size, published.length, "published twice");
  for (const { last, versions } of artifacts) {
    const numbers = versions.map(({ version }) => version);
    assert.equal(new Set(numbers).size, numbers.length, "a number twice");
    assert.ok(last >= Math.max(...numbers), "a number past the last");
    for (const { session, bytes } of versions) {
      assert.equal(blobs.blobs.get(session)?.bytes.length, bytes, `the bytes of ${session}`);
      const owner = sessions.get(session);
      assert.ok(
        ["completing", "complete", undefined].includes(owner?.status),
        `${session} is published and ${owner?.status}`,
      );
      if (owner?.status === "complete") assert.equal(owner.artifact?.session, session, `what ${session} says`);
    }
  }
  for (const { id, status, segments, offset } of sessions.values()) {
    if (!["open", "completing", "held"].includes(status) || published.includes(id)) continue;
    for (const { name, bytes } of segments) {
      const file = blobs.segments.get(`${id}/${name}`);
      assert.ok((file?.bytes.length ?? -1) >= bytes, `segment ${name} of ${id} is not there or too short`);
    }
    assert.equal(
      segments.reduce((sum, { bytes }) => sum + bytes, 0),
      offset,
      `the segments of ${id}`,
    );
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
  assert.deepEqual(leaked(state), { blobs: [], segments: [] }, "what nobody owns");
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
