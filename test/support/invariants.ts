import assert from "node:assert/strict";
import {
  type ArtifactRecord,
  type FreedRecord,
  openKey,
  type Piece,
  type SessionRecord,
  uploadKey,
} from "../../src/store/model/records.js";

/** The text of every row, and the bytes of every piece, in rows and in the content store. */
export interface StoredState {
  readonly metadata: {
    readonly rows: ReadonlyMap<string, string>;
    /** By `<session>/<name>`. */
    readonly pieceMap: ReadonlyMap<string, Uint8Array>;
  };
  readonly content: {
    /** By `<session>/<name>`. */
    readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array }>;
  };
}

/*
 * This file uses Node's own assertions, because the search of schedules calls it hundreds of thousands of times, and
 * `expect` is too slow for that.
 */

/**
 * Checks what must hold at any moment, even if a process died at any step: the checks of the publication model, on real
 * rows.
 */
export function expectSound(state: StoredState): void {
  const { artifacts, sessions, gone, freed } = read(state.metadata.rows);
  expectPublishedOnce(artifacts);
  for (const { bucket, key, last, versions } of artifacts) {
    assert.ok(versions.length > 0, "an artifact row without versions");
    assert.ok(!gone.has(`${bucket}\t${key}`), `${key} has versions and is gone`);
    const numbers = versions.map(({ version }) => version);
    assert.equal(new Set(numbers).size, numbers.length, "a version number is used twice");
    assert.ok(last >= Math.max(...numbers), "a version number is above `last`");
    for (const { session, bytes, pieces } of versions) {
      expectPieces(state, session, pieces, bytes);
      const owner = sessions.get(session);
      assert.ok(["complete", undefined].includes(owner?.status), `${session} is published and ${owner?.status}`);
      if (owner?.status === "complete")
        assert.equal(owner.artifact?.session, session, `the artifact of session ${session}`);
      for (const { name } of pieces) assert.ok(!freed.has(`${session}/${name}`), `${session} is published and freed`);
    }
  }
  for (const { id, status, pieces, offset } of sessions.values()) {
    if (status === "open" || status === "conflict") expectPieces(state, id, pieces, offset);
    else assert.deepEqual(pieces, [], `${id} is ${status} and names pieces`);
  }
}

/** Versions that were moved together share a session, but no piece. */
function expectPublishedOnce(artifacts: readonly ArtifactRecord[]): void {
  const sessions = artifacts.flatMap(({ versions }) => [...new Set(versions.map(({ session }) => session))]);
  assert.equal(new Set(sessions).size, sessions.length, "a session is published under two keys");
  const all = artifacts.flatMap(({ versions }) => versions);
  const names = all.flatMap(({ session, pieces }) => pieces.map(({ name }) => `${session}/${name}`));
  assert.equal(new Set(names).size, names.length, "a piece is published twice");
}

/** Checks that the listings show every session that they must show, and no other one. This must hold at any moment. */
export function expectListed({ metadata: { rows } }: StoredState): void {
  const listed = [...read(rows).sessions.values()].filter(({ is_listed }) => is_listed);
  const unfinished = listed.filter(({ status }) => status === "open" || status === "conflict");
  const there = (prefix: string): string[] => [...rows.keys()].filter((key) => key.startsWith(prefix)).sort();
  const uploads = listed.map(({ bucket, key, id }) => uploadKey(bucket, key, id));
  assert.deepEqual(there("upload\t"), uploads.sort(), "the index of listed sessions");
  assert.deepEqual(there("open\t"), unfinished.map(openKey).sort(), "the index of unfinished sessions");
}

function expectPieces(state: StoredState, session: string, pieces: readonly Piece[], bytes: number): void {
  for (const piece of pieces) {
    const { length = -1 } = bytesOfPiece(state, session, piece) ?? {};
    assert.ok(length >= piece.bytes, `piece ${piece.name} of ${session} is missing or too short`);
  }
  const sum = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  assert.equal(sum, bytes, `the bytes of all pieces of ${session}`);
  const firstInRow = pieces.findIndex((piece) => piece.in_row);
  const last = firstInRow < 0 ? [] : pieces.slice(firstInRow);
  assert.ok(
    last.every((piece) => piece.in_row),
    `pieces of ${session} in rows come last`,
  );
}

function bytesOfPiece({ metadata, content }: StoredState, session: string, piece: Piece): Uint8Array | undefined {
  const name = `${session}/${piece.name}`;
  return piece.in_row ? metadata.pieceMap.get(name) : content.files.get(name)?.bytes;
}

/** The bytes of pieces that count, in order. */
export function contentOfPieces(state: StoredState, session: string, pieces: readonly Piece[]): Buffer {
  const parts = pieces.map(
    (piece) => bytesOfPiece(state, session, piece)?.subarray(0, piece.bytes) ?? new Uint8Array(),
  );
  return Buffer.concat(parts);
}

/** Pieces that no row leads to: no row names them, their session has no row, and no `freed` row names them. */
export function leaked(state: StoredState): { readonly files: string[]; readonly inRows: string[] } {
  const { artifacts, sessions, freed } = read(state.metadata.rows);
  const named = new Set(
    [...artifacts.flatMap(({ versions }) => versions), ...[...sessions.values()].map(asNaming)].flatMap(
      ({ session, pieces }) => pieces.map(({ name }) => `${session}/${name}`),
    ),
  );
  const isLed = (name: string): boolean => sessions.has(name.split("/")[0] ?? "") || freed.has(name);
  return {
    files: [...state.content.files.keys()].filter((name) => !named.has(name) && !isLed(name)),
    inRows: [...state.metadata.pieceMap.keys()].filter((name) => !named.has(name)),
  };
}

const asNaming = ({ id, pieces }: SessionRecord) => ({ session: id, pieces });

/** Checks that a row leads to every piece. This must hold too if no process has died. */
export function expectNothingLeaked(state: StoredState): void {
  assert.deepEqual(leaked(state), { files: [], inRows: [] }, "pieces that no row leads to");
}

/** Checks that a version or a session names every piece. This must hold when no work is in progress. */
export function expectNothingLeft(state: StoredState): void {
  const { artifacts, sessions } = read(state.metadata.rows);
  const all = [...artifacts.flatMap(({ versions }) => versions), ...[...sessions.values()].map(asNaming)];
  const named = all.flatMap(({ session, pieces }) => pieces.map(({ name }) => `${session}/${name}`));
  const there = [...state.content.files.keys(), ...state.metadata.pieceMap.keys()];
  assert.deepEqual(there.sort(), named.sort(), "the stored pieces are the pieces that rows name");
}

function read(rows: ReadonlyMap<string, string>) {
  const artifacts: ArtifactRecord[] = [];
  const sessions = new Map<string, SessionRecord>();
  const gone = new Map<string, number>();
  const freed = new Set<string>();
  for (const [key, text] of rows) {
    if (key.startsWith("artifact\t")) artifacts.push(JSON.parse(text));
    if (key.startsWith("session\t")) sessions.set(key.slice("session\t".length), JSON.parse(text));
    if (key.startsWith("gone\t")) gone.set(key.slice("gone\t".length), JSON.parse(text).last);
    if (key.startsWith("freed\t")) {
      for (const { session, name } of (JSON.parse(text) as FreedRecord).pieces) freed.add(`${session}/${name}`);
    }
  }
  return { artifacts, sessions, gone, freed };
}
