import { describe, expect, it } from "vitest";
import { noLinks } from "../../../src/store/ports/links.js";
import type { SessionRecord } from "../../../src/store/model/records.js";
import { isFull, isIdentical, planAppend, statusAt, toUploadSession } from "../../../src/store/model/upload-session.js";

const open: SessionRecord = {
  ...{ id: "s", origin: "upload", bucket: "b", key: "k", mime_type: "text/plain", metadata: {} },
  ...{ size: 10, sha256: null, if_version: null, status: "open", offset: 4 },
  ...{ segments: [{ name: "0-a", bytes: 4 }], sealed: null, artifact: null, created_at: 100, expires_at: 200 },
};
const failing = (record: SessionRecord, offset: number, length: number): unknown => {
  try {
    planAppend(record, offset, length);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("planAppend()", () => {
  it("takes bytes at the offset, up to the size", () => {
    expect(planAppend(open, 4, 6)).toEqual({ overlap: 0 });
    expect(planAppend(open, 4, 0)).toEqual({ overlap: 0 });
  });

  it("compares what is stored already and takes what reaches past it", () => {
    expect(planAppend(open, 0, 4)).toEqual({ overlap: 4 });
    expect(planAppend(open, 1, 2)).toEqual({ overlap: 2 });
    expect(planAppend(open, 2, 5)).toEqual({ overlap: 2 });
  });

  it("rejects a gap and reports the offset to go on from, also where it would pass the size", () => {
    for (const [offset, length] of [[5, 1] as const, [9_007_199_254_740_991, 1] as const, [11, 0] as const]) {
      expect(failing(open, offset, length)).toMatchObject({
        code: "offset_conflict",
        details: { offset: 4, size: 10 },
      });
    }
  });

  it("rejects what passes the declared size, a replay too", () => {
    expect(failing(open, 4, 7)).toMatchObject({ code: "size_exceeded", details: { offset: 4, size: 10 } });
    expect(failing(open, 0, 11)).toMatchObject({ code: "size_exceeded" });
  });

  it("takes any length where no size was declared", () => {
    expect(planAppend({ ...open, size: null }, 4, 1_000_000)).toEqual({ overlap: 0 });
  });

  it.each(["completing", "held", "complete"] as const)("takes replays alone once it is %s", (status) => {
    const full = { ...open, status, offset: 10 };
    expect(planAppend(full, 3, 7)).toEqual({ overlap: 7 });
    expect(planAppend(full, 10, 0)).toEqual({ overlap: 0 });
    expect(failing(full, 10, 1)).toMatchObject({ code: "size_exceeded" });
    expect(failing({ ...full, size: null }, 10, 1)).toMatchObject({ code: "session_closed" });
    expect(failing(full, 11, 1)).toMatchObject({ code: "offset_conflict" });
  });

  it("says of an ended session why it takes nothing", () => {
    expect(failing({ ...open, status: "aborted" }, 4, 1)).toMatchObject({ code: "session_closed" });
    expect(failing({ ...open, status: "expired" }, 4, 1)).toMatchObject({ code: "session_expired" });
  });
});

describe("statusAt()", () => {
  it("lets open and held uploads expire by the clock, and no others", () => {
    expect(statusAt(open, 199)).toBe("open");
    expect(statusAt(open, 200)).toBe("expired");
    expect(statusAt({ ...open, status: "held" }, 200)).toBe("expired");
    for (const status of ["completing", "complete", "aborted"] as const) {
      expect(statusAt({ ...open, status }, 999)).toBe(status);
    }
  });
});

it("isFull() is true where every declared byte is there", () => {
  expect(isFull(open)).toBe(false);
  expect(isFull({ ...open, offset: 10 })).toBe(true);
  expect(isFull({ ...open, size: 0, offset: 0 })).toBe(true);
  expect(isFull({ ...open, size: null })).toBe(false);
});

it("isIdentical() compares bytes, type and metadata, whatever the order of its names", () => {
  const sealed = { sha256: "1".repeat(64), over: null, at: 0 };
  const record: SessionRecord = { ...open, offset: 10, sealed, metadata: { a: "1", b: "2" } };
  const about = { version: 1, session: "other", created_at: 1, bytes: 10, sha256: sealed.sha256 };
  const same = { ...about, mime_type: "text/plain", metadata: { b: "2", a: "1" } };
  expect(isIdentical(same, record)).toBe(true);
  expect(isIdentical({ ...same, metadata: { a: "1" } }, record)).toBe(false);
  expect(isIdentical({ ...same, metadata: { a: "1", c: "2" } }, record)).toBe(false);
  expect(isIdentical({ ...same, mime_type: "text/csv" }, record)).toBe(false);
  expect(isIdentical({ ...same, sha256: "2".repeat(64) }, record)).toBe(false);
});

it("toUploadSession() shows the artifact once there is one, and nothing of the inside", () => {
  expect(toUploadSession(open, noLinks)).toEqual({
    ...{ id: "s", bucket: "b", key: "k", mime_type: "text/plain", url: "artifact-upload://s" },
    ...{ offset: 4, size: 10, status: "open", created_at: 100, expires_at: 200 },
  });
});
