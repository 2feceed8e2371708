import { describe, expect, it } from "vitest";
import type { Version } from "../../../src/store/model/records.js";
import {
  completed,
  isFull,
  isReady,
  isUnfinished,
  splitPieces,
  statusAt,
  takesMore,
  toUploadSession,
} from "../../../src/store/model/upload-session.js";
import { noTransferUrls } from "../../../src/store/ports/transfer-urls.js";
import { openRecord as open } from "../../support/session-record.js";

const version: Version = {
  version: 3,
  session: "s",
  pieces: [{ name: "0-a", bytes: 10 }],
  mime_type: "text/plain",
  bytes: 10,
  sha256: "1".repeat(64),
  created_at: 160,
  metadata: {},
};

describe("statusAt()", () => {
  it("returns expired for open uploads and conflicts past their time, and for no other status", () => {
    expect(statusAt(open, 199)).toBe("open");
    expect(statusAt(open, 200)).toBe("expired");
    expect(statusAt({ ...open, status: "conflict", offset: 10 }, 199)).toBe("conflict");
    expect(statusAt({ ...open, status: "conflict", offset: 10 }, 200)).toBe("expired");
    for (const status of ["complete", "aborted"] as const) expect(statusAt({ ...open, status }, 999)).toBe(status);
  });

  it("does not return expired for an upload that has all its bytes and only has to be published", () => {
    expect(statusAt({ ...open, offset: 10 }, 999)).toBe("open");
    expect(statusAt({ ...open, offset: 10, size: null }, 999)).toBe("expired");
  });
});

it("isFull(), isReady() and takesMore() say what the session still needs", () => {
  const states = [
    open,
    { ...open, offset: 10 },
    { ...open, size: 0, offset: 0 },
    { ...open, size: null },
    { ...open, offset: 10, status: "conflict" as const },
    { ...open, offset: 10, status: "complete" as const },
  ];
  expect(states.map(isFull)).toEqual([false, true, true, false, true, true]);
  expect(states.map(isReady)).toEqual([false, true, true, false, false, false]);
  expect(states.map(takesMore)).toEqual([true, false, false, true, false, false]);
});

it("isUnfinished() is true while the session owns its pieces", () => {
  const all = ["open", "conflict", "complete", "aborted", "expired"] as const;
  expect(all.filter((status) => isUnfinished({ ...open, status }))).toEqual(["open", "conflict"]);
});

it("splitPieces() separates pieces in the content store from pieces in rows", () => {
  const stored = { name: "0-a", bytes: 4 };
  const inRow = { name: "4-b", bytes: 2, in_row: true as const };
  expect(splitPieces([stored, inRow])).toEqual({ stored: [stored], inRows: [inRow] });
});

it("completed() names no pieces, because they belong to the version", () => {
  const done = completed({ ...open, offset: 10, digest: { bytes: 10, sha256: version.sha256 } }, version, 170);
  expect(done).toMatchObject({ status: "complete", pieces: [], digest: null, artifact: version, updated_at: 170 });
});

describe("toUploadSession()", () => {
  it("shows no internal fields", () => {
    expect(toUploadSession(open, noTransferUrls)).toEqual({
      id: "s",
      bucket: "b",
      key: "k",
      mime_type: "text/plain",
      url: "artifact-upload://s",
      offset: 4,
      size: 10,
      status: "open",
      metadata: {},
      created_at: 100,
      expires_at: 200,
    });
  });

  it("shows the guard and the artifact, and marks an artifact that another upload has made", () => {
    const done = completed({ ...open, offset: 10, if_version: 2, if_edit: 1 }, version, 170);
    const shown = toUploadSession(done, noTransferUrls);
    expect(shown).toMatchObject({ if_version: "2.1", status: "complete", artifact: { version: 3, bytes: 10 } });
    expect(shown.artifact).not.toHaveProperty("already_saved");
    const other = toUploadSession(completed(open, { ...version, session: "other" }, 170), noTransferUrls);
    expect(other.artifact).toMatchObject({ version: 3, already_saved: true });
  });
});
