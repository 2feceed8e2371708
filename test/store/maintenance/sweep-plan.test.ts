import { describe, expect, it } from "vitest";
import { planDue, planSweep } from "../../../src/store/maintenance/sweep-plan.js";
import { dueGraceMs, endedSessionMs, publicationGraceMs, saveGraceMs } from "../../../src/store/model/limits.js";
import type { SessionRecord, Version } from "../../../src/store/model/records.js";
import { openRecord } from "../../support/session-record.js";

const { updated_at, expires_at } = openRecord;
const full = { offset: 10, size: 10 };
const save = { is_listed: false };
const ended = { status: "complete" } as const;
const cases: [what: string, change: Partial<SessionRecord>, since: number, graceMs: number, action: string][] = [
  ["full upload", full, updated_at, publicationGraceMs, "publish"],
  ["save that has not ended", save, updated_at, saveGraceMs, "abort"],
  ["full save that has not ended", { ...save, ...full }, updated_at, saveGraceMs, "abort"],
  ["unfinished upload", {}, expires_at, 0, "expire"],
  ["conflict", { ...full, status: "conflict" }, expires_at, 0, "expire"],
  ["ended upload", ended, expires_at, endedSessionMs, "forget"],
  ["ended save", { ...save, ...ended }, expires_at, endedSessionMs, "forget"],
];

it.each(cases)("planSweep() keeps a %s until its grace period is over", (_, change, since, graceMs, action) => {
  const record = { ...openRecord, ...change };
  const end = since + graceMs / 1000;
  expect(planSweep(record, end - 1)).toBe("keep");
  expect(planSweep(record, end)).toBe(action);
});

it("planSweep() with another grace period uses it for all sessions that have one", () => {
  expect(planSweep({ ...openRecord, ...full }, updated_at, 0)).toBe("publish");
  expect(planSweep({ ...openRecord, ...save }, updated_at, 0)).toBe("abort");
  expect(planSweep({ ...openRecord, ...ended }, expires_at, 0)).toBe("forget");
  expect(planSweep(openRecord, updated_at, 0)).toBe("keep");
});

const newest: Version = {
  version: 3,
  edit: 1,
  session: "s",
  pieces: [],
  mime_type: "text/plain",
  bytes: 0,
  sha256: "0".repeat(64),
  created_at: 100,
  expires_at: 5_000,
  metadata: {},
};
const due = { version: 3, edit: 1, at: 6_000 };
const afterHour = due.at + dueGraceMs / 1000;

describe("planDue()", () => {
  it("frees a key when the sweep that saw it as expired is an hour ago", () => {
    expect(planDue(due, newest, afterHour - 1)).toBe("wait");
    expect(planDue(due, newest, afterHour)).toBe("free");
    expect(planDue(due, newest, due.at, 0)).toBe("free");
  });

  it("forgets a key that has changed, is gone, or has not expired", () => {
    for (const now of [
      undefined,
      { ...newest, version: 4 },
      { ...newest, edit: 2 },
      { ...newest, expires_at: afterHour + 1 },
    ]) {
      expect(planDue(due, now, afterHour)).toBe("forget");
    }
    const { edit: _, ...unedited } = newest;
    expect(planDue(due, unedited, afterHour)).toBe("forget");
    expect(planDue({ ...due, edit: 0 }, unedited, afterHour)).toBe("free");
  });

  it("forgets what a sweep has seen at a time that has not come yet: its clock was wrong", () => {
    expect(planDue({ ...due, at: afterHour + 1 }, newest, afterHour)).toBe("forget");
  });
});
