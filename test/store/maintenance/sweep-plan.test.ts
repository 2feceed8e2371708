import { expect, it } from "vitest";
import { planSweep } from "../../../src/store/maintenance/sweep-plan.js";
import { endedSessionMs, publicationGraceMs, saveGraceMs } from "../../../src/store/model/limits.js";
import type { SessionRecord } from "../../../src/store/model/records.js";
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
