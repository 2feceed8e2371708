import { describe, expect, it } from "vitest";
import { isSameContent } from "../../../src/store/model/artifact.js";
import { type Publication, planPublication, withIdempotencyKey } from "../../../src/store/model/publication-plan.js";
import type { Version } from "../../../src/store/model/records.js";

const content = { sha256: "1".repeat(64), bytes: 10, mime_type: "text/plain", metadata: { a: "1", b: "2" } };
const other = { ...content, sha256: "2".repeat(64) };

function versionOf(version: number, more: Partial<Version> = {}): Version {
  return { version, session: `s${version}`, pieces: [], created_at: 100, ...content, ...more };
}
const kindOf = (versions: readonly Version[], publication: Partial<Publication>): string => {
  const plan = planPublication(versions, { content, if_version: null, ...publication });
  return "version" in plan ? `${plan.kind} ${plan.version.version}` : plan.kind;
};

it("isSameContent() compares bytes, type and metadata, and ignores the order of the names in metadata", () => {
  const same = { ...content, metadata: { b: "2", a: "1" } };
  expect(isSameContent(content, same)).toBe(true);
  expect(isSameContent(content, { ...same, metadata: { a: "1" } })).toBe(false);
  expect(isSameContent(content, { ...same, metadata: { a: "1", c: "2" } })).toBe(false);
  expect(isSameContent(content, { ...same, metadata: { a: "1", toString: "2" } })).toBe(false);
  expect(isSameContent(content, { ...same, mime_type: "text/csv" })).toBe(false);
  expect(isSameContent(content, { ...same, bytes: 11 })).toBe(false);
  expect(isSameContent(content, other)).toBe(false);
});

describe("planPublication()", () => {
  it("makes a new version only if the content differs from the newest version", () => {
    expect(kindOf([], {})).toBe("new");
    expect(kindOf([versionOf(2)], {})).toBe("existing 2");
    expect(kindOf([versionOf(2), versionOf(1, other)], { content: other })).toBe("new");
  });

  it("returns the newest version for the same content whatever the guard, unless the guard is strict", () => {
    const versions = [versionOf(2)];
    expect(kindOf(versions, { if_version: 0 })).toBe("existing 2");
    expect(kindOf(versions, { if_version: 0, is_strict: true })).toBe("conflict");
    expect(kindOf(versions, { if_version: 2, is_strict: true })).toBe("new");
    expect(kindOf(versions, { is_strict: true })).toBe("existing 2");
    expect(kindOf(versions, { content: other, if_version: 1 })).toBe("conflict");
    expect(kindOf(versions, { content: other, if_version: 2 })).toBe("new");
    expect(kindOf([], { if_version: 1 })).toBe("conflict");
    expect(kindOf([], { if_version: 0, is_strict: true })).toBe("new");
  });

  it("returns the version of a repeated request, whatever was saved since and whatever the guard", () => {
    const versions = [versionOf(3, other), versionOf(2, { idempotency_keys: ["first", "second"] })];
    const again = { idempotency_key: "second", if_version: 1, is_strict: true } as const;
    expect(kindOf(versions, again)).toBe("existing 2");
    expect(kindOf(versions, { ...again, content: other })).toBe("key used 2");
    expect(kindOf(versions, { ...again, idempotency_key: "third" })).toBe("conflict");
  });

  it("never puts an upload that was left behind on top of a version that was made since", () => {
    expect(kindOf([versionOf(2, other)], { over: 2 })).toBe("new");
    expect(kindOf([versionOf(2, other)], { over: 1 })).toBe("conflict");
    expect(kindOf([versionOf(2, other)], { over: 1, if_version: 2 })).toBe("conflict");
    expect(kindOf([versionOf(2)], { over: 1 })).toBe("existing 2");
    expect(kindOf([], { over: 1 })).toBe("new");
    expect(kindOf([versionOf(2, other)], { over: null })).toBe("conflict");
    expect(kindOf([], { over: null })).toBe("new");
  });
});

describe("withIdempotencyKey()", () => {
  it("adds a key once", () => {
    const version = versionOf(1);
    expect(withIdempotencyKey(version, undefined)).toBe(version);
    const known = withIdempotencyKey(version, "a");
    expect(known.idempotency_keys).toEqual(["a"]);
    expect(withIdempotencyKey(known, "a")).toBe(known);
  });

  it("remembers sixteen keys, and forgets the oldest first", () => {
    let version = versionOf(1);
    for (let n = 1; n <= 20; n += 1) version = withIdempotencyKey(version, `key ${n}`);
    expect(version.idempotency_keys).toEqual(Array.from({ length: 16 }, (_, n) => `key ${n + 5}`));
  });
});
