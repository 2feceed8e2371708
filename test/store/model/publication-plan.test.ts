import { describe, expect, it } from "vitest";
import { isSameContent } from "../../../src/store/model/artifact.js";
import { type Publication, planPublication } from "../../../src/store/model/publication-plan.js";
import type { Version } from "../../../src/store/model/records.js";

const content = { sha256: "1".repeat(64), bytes: 10, mime_type: "text/plain", metadata: { a: "1", b: "2" } };
const other = { ...content, sha256: "2".repeat(64) };

function versionOf(version: number, more: Partial<Version> = {}): Version {
  return { version, session: `s${version}`, pieces: [], created_at: 100, ...content, ...more };
}
const now = 1_000;
const plan = (versions: readonly Version[], publication: Partial<Publication>) =>
  planPublication(versions, { content, if_version: null, ...publication }, now);
const kindOf = (versions: readonly Version[], publication: Partial<Publication>): string => {
  const planned = plan(versions, publication);
  return "version" in planned ? `${planned.kind} ${planned.version.version}` : planned.kind;
};
/** The newest version after a publication that adds none. */
function nextOf(versions: readonly Version[], publication: Partial<Publication>): Version {
  const planned = plan(versions, publication);
  if (planned.kind !== "existing") throw new Error(`the plan is ${planned.kind}`);
  return planned.next;
}

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

describe("planPublication() of an edited version", () => {
  const edited = versionOf(2, { edit: 1, metadata: {} });

  it("meets a guard that names the edit, and no guard that names the version alone or another edit", () => {
    expect(kindOf([edited], { if_version: 2, if_edit: 1 })).toBe("new");
    expect(kindOf([edited], { if_version: 2 })).toBe("conflict");
    expect(kindOf([edited], { if_version: 2, if_edit: 2 })).toBe("conflict");
    expect(kindOf([versionOf(2)], { content: other, if_version: 2, if_edit: 1 })).toBe("conflict");
    expect(kindOf([], { if_version: 0, if_edit: 1 })).toBe("conflict");
  });

  it("knows a repeated request although its metadata were edited since", () => {
    const version = { ...edited, idempotency_keys: ["first"] };
    expect(kindOf([version], { idempotency_key: "first" })).toBe("existing 2");
    expect(kindOf([version], { idempotency_key: "first", content: other })).toBe("key used 2");
    const unedited = versionOf(2, { metadata: {}, idempotency_keys: ["first"] });
    expect(kindOf([unedited], { idempotency_key: "first" })).toBe("key used 2");
  });
});

describe("planPublication() on a key that has expired", () => {
  const expired = versionOf(2, { expires_at: now, idempotency_keys: ["first"] });

  it("takes it for absent, from the second on that its newest version names", () => {
    expect(kindOf([expired], {})).toBe("new");
    expect(kindOf([{ ...expired, expires_at: now + 1 }], { expires_at: now + 1 })).toBe("existing 2");
    expect(kindOf([expired, versionOf(1)], { if_version: 0, is_strict: true })).toBe("new");
    expect(kindOf([expired], { content: other, if_version: 2 })).toBe("conflict");
    expect(kindOf([expired], { idempotency_key: "first" })).toBe("new");
    expect(kindOf([versionOf(2), versionOf(1, { expires_at: now - 1 })], {})).toBe("existing 2");
  });

  it("does not put an upload that was left behind on top of a version that was made since", () => {
    expect(kindOf([expired], { over: 1 })).toBe("conflict");
    expect(kindOf([expired], { over: 2 })).toBe("new");
  });
});

describe("planPublication() of content that the newest version has already", () => {
  const version = versionOf(2, { expires_at: now + 5_000 });

  const forever = versionOf(2);

  it("makes a new version for another expiry, and none if the times differ by what a retry takes", () => {
    for (const seconds of [4_699, 5_301]) expect(kindOf([version], { expires_at: now + seconds })).toBe("new");
    expect(kindOf([version], {})).toBe("new");
    expect(kindOf([forever], { expires_at: now + 5_000 })).toBe("new");
    for (const seconds of [4_700, 5_000, 5_300]) {
      expect(nextOf([version], { expires_at: now + seconds })).toBe(version);
    }
    expect(nextOf([forever], {})).toBe(forever);
  });

  it("asks for the guard if the expiry is another one", () => {
    const edited = { ...version, edit: 1 };
    expect(kindOf([edited], { if_version: 2 })).toBe("conflict");
    expect(kindOf([edited], { if_version: 2, if_edit: 1 })).toBe("new");
    expect(nextOf([edited], { if_version: 1, expires_at: version.expires_at })).toBe(edited);
  });

  it("does not change the time of a version that a repeated request has made", () => {
    const made = { ...version, idempotency_keys: ["first"] };
    expect(nextOf([made], { idempotency_key: "first" })).toBe(made);
  });
});

describe("the idempotency keys of a version", () => {
  const answer = (version: Version, idempotency_key?: string): Version => nextOf([version], { idempotency_key });

  it("get a further key once", () => {
    const version = versionOf(1);
    expect(answer(version)).toBe(version);
    const known = answer(version, "a");
    expect(known.idempotency_keys).toEqual(["a"]);
    expect(answer(known, "a")).toBe(known);
  });

  it("are the last sixteen", () => {
    let version = versionOf(1);
    for (let n = 1; n <= 20; n += 1) version = answer(version, `key ${n}`);
    expect(version.idempotency_keys).toEqual(Array.from({ length: 16 }, (_, n) => `key ${n + 5}`));
  });
});
