import { describe, expect, it } from "vitest";
import { changedFacts, lostFacts } from "../../../src/store/model/previous-facts.js";
import type { Version } from "../../../src/store/model/records.js";

const now = 1_000;
const metadata = { a: "1", b: "2" };
const facts = { session: "s", pieces: [], mime_type: "text/plain", bytes: 1, sha256: "1".repeat(64), created_at: 100 };
const versionOf = (version: number, more: Partial<Version> = {}): Version => ({
  ...{ version, ...facts, metadata },
  ...more,
});

describe("lostFacts()", () => {
  const lost = (before: readonly Version[], more: Partial<Version>) => lostFacts(before, versionOf(9, more), now);

  it("has the metadata before if one of their names is missing", () => {
    for (const left of [{}, { a: "1" }, { a: "1", c: "2" }]) {
      expect(lost([versionOf(1)], { metadata: left })).toEqual({ previous_metadata: metadata });
    }
    for (const kept of [metadata, { a: "2", b: "1", c: "3" }])
      expect(lost([versionOf(1)], { metadata: kept })).toEqual({});
    expect(lost([versionOf(2, { metadata: {} }), versionOf(1)], { metadata: {} })).toEqual({});
  });

  it("has the expiry before if the new version does not expire", () => {
    const before = [versionOf(2, { expires_at: now + 5 }), versionOf(1)];
    expect(lost(before, {})).toEqual({ previous_expires_at: now + 5 });
    expect(lost(before, { expires_at: now + 1 })).toEqual({});
    expect(lost([versionOf(2), ...before], {})).toEqual({});
  });

  it("has nothing of a key that is absent or has expired", () => {
    expect(lost([], { metadata: {} })).toEqual({});
    expect(lost([versionOf(2, { expires_at: now }), versionOf(1)], { metadata: {} })).toEqual({});
  });
});

it("changedFacts() has what an edit has changed, unless it was empty", () => {
  const expiring = versionOf(1, { expires_at: 5_000 });
  expect(changedFacts(expiring, versionOf(1))).toEqual({ previous_expires_at: 5_000 });
  expect(changedFacts(expiring, versionOf(1, { expires_at: 9_000 }))).toEqual({ previous_expires_at: 5_000 });
  expect(changedFacts(versionOf(1), expiring)).toEqual({});
  const next = versionOf(1, { metadata: { ...metadata, c: "3" } });
  expect(changedFacts(versionOf(1), next)).toEqual({ previous_metadata: metadata });
  expect(changedFacts(versionOf(1, { metadata: {} }), next)).toEqual({});
});
