import { describe, expect, it } from "vitest";
import { planAppend } from "../../../src/store/model/append-plan.js";
import type { SessionRecord } from "../../../src/store/model/records.js";
import { openRecord as open } from "../../support/session-record.js";

const failing = (record: SessionRecord, offset: number, length: number): unknown => {
  try {
    planAppend(record, offset, length);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("planAppend()", () => {
  it("accepts bytes at the offset, up to the size", () => {
    expect(planAppend(open, 4, 6)).toEqual({ overlap: 0 });
    expect(planAppend(open, 4, 0)).toEqual({ overlap: 0 });
  });

  it("returns the number of bytes to compare, and accepts bytes after the stored ones", () => {
    expect(planAppend(open, 0, 4)).toEqual({ overlap: 4 });
    expect(planAppend(open, 1, 2)).toEqual({ overlap: 2 });
    expect(planAppend(open, 2, 5)).toEqual({ overlap: 2 });
  });

  it("rejects a gap and reports the offset to continue from, also if the chunk would exceed the size", () => {
    for (const [offset, length] of [[5, 1] as const, [9_007_199_254_740_991, 1] as const, [11, 0] as const]) {
      expect(failing(open, offset, length)).toMatchObject({
        code: "offset_conflict",
        next: "continue_at_offset",
        details: { offset: 4, size: 10 },
      });
    }
  });

  it("rejects a chunk that exceeds the declared size, also if it is a replay", () => {
    expect(failing(open, 4, 7)).toMatchObject({
      code: "size_exceeded",
      next: "create_without_size",
      details: { offset: 4, size: 10 },
    });
    expect(failing(open, 0, 11)).toMatchObject({ code: "size_exceeded" });
  });

  it("accepts any length if no size was declared", () => {
    expect(planAppend({ ...open, size: null }, 4, 1_000_000)).toEqual({ overlap: 0 });
  });

  it.each([
    [{ status: "open" }, "wait_for_upload"],
    [{ status: "open", sha256: "0".repeat(64) }, "correct_digest"],
    [{ status: "conflict" }, "resolve_conflict"],
    [{ status: "complete" }, "use_published"],
  ] as const)("accepts only replays when the session is full and %o", (state, next) => {
    const full = { ...open, ...state, offset: 10 };
    expect(planAppend(full, 3, 7)).toEqual({ overlap: 7 });
    expect(planAppend(full, 10, 0)).toEqual({ overlap: 0 });
    expect(failing(full, 10, 1)).toMatchObject({ code: "size_exceeded", next });
    expect(failing(full, 11, 1)).toMatchObject({ code: "offset_conflict" });
  });

  it.each([
    ["conflict", "resolve_conflict"],
    ["complete", "use_published"],
  ] as const)("accepts only replays when a session without a size is %s", (status, next) => {
    const full = { ...open, status, offset: 10, size: null };
    expect(planAppend(full, 3, 7)).toEqual({ overlap: 7 });
    expect(failing(full, 10, 1)).toMatchObject({ code: "session_closed", next, details: { status } });
  });

  it("says why a session that has ended accepts nothing", () => {
    const next = "create_session";
    expect(failing({ ...open, status: "aborted" }, 4, 1)).toMatchObject({ code: "session_closed", next });
    expect(failing({ ...open, status: "expired" }, 4, 1)).toMatchObject({ code: "session_expired", next });
  });
});
