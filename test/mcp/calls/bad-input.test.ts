import { describe, expect, it } from "vitest";
import { connect, contentsOf, sha256Of } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";
import { chunk, here, lone, openFullStore, type Row, refusedWith, save, week } from "./refused-with.js";

refusedWith("session_not_found", [
  ...["get_upload_session", "complete_upload_session", "abort_upload_session"].map(
    (tool): Row => [
      "an unknown session",
      tool,
      { session_id: "nope" },
      /list_upload_sessions.*create_upload_session/,
      { session_id: "nope" },
    ],
  ),
  ["an unknown session", "upload_chunk", { session_id: "0".repeat(32), offset: 0, data: "x" }, /list_upload_sessions/],
  ["an empty id", "get_upload_session", { session_id: "" }, /list_upload_sessions/],
  [
    "an id of arbitrary characters",
    "get_upload_session",
    { session_id: `%:/..\0'; DROP TABLE "é${lone}` },
    /list_upload_sessions/,
  ],
]);

refusedWith("bucket_not_found", [
  ["an unknown bucket", "list_artifacts", { bucket: "none" }, /list_buckets/, { bucket: "none" }],
]);

refusedWith("artifact_not_found", [
  ...["get_artifact", "read_artifact", "delete_artifact"].flatMap((tool): Row[] => [
    ["an unknown key", tool, { bucket: "b", key: "none" }, /list_artifacts/, { bucket: "b", key: "none" }],
    [
      "a key in an unknown bucket",
      tool,
      { bucket: "none", key: "k" },
      / list_buckets all buckets/,
      { bucket: "none", key: "k" },
    ],
    ["a key in different case", tool, { bucket: "b", key: "DIR/k" }, /Similar keys in this bucket: "dir\/k"\.$/],
    ["a folder instead of a key", tool, { bucket: "b", key: "dir" }, /list_artifacts/],
  ]),
  ...["get_artifact", "read_artifact", "delete_artifact"].map(
    (tool): Row => [
      "an unknown version",
      tool,
      { ...here, version: 3 },
      /versions 2 and 1.*get_artifact with versions/,
      { version: 3, newest_version: 2 },
    ],
  ),
]);

refusedWith("offset_conflict", [
  ["a gap", "upload_chunk", chunk({ offset: 5 }), /Go on at offset 4 with what comes after "four"/, { offset: 4 }],
  [
    "a huge gap",
    "upload_chunk",
    chunk({ offset: 2 ** 52 }),
    /Go on at offset 4 with what comes after "four"/,
    { offset: 4 },
  ],
  [
    "bytes that differ from the stored ones",
    "upload_chunk",
    chunk({ offset: 0, data: "five" }),
    /^Go on at offset 4 with what comes after "four".* from byte 1 on, and were not kept\.$/,
    { offset: 4 },
  ],
]);

refusedWith("size_exceeded", [
  [
    "a chunk past the size",
    "upload_chunk",
    ({ sized }) => ({ session_id: sized, offset: 4, data: "1234567" }),
    /6 bytes are missing from offset 4/,
    { offset: 4, size: 10 },
  ],
  [
    "a chunk past the size of a complete session",
    "upload_chunk",
    ({ done }) => ({ session_id: done, offset: 2, data: "x" }),
    /past the declared size of 2/,
    { size: 2 },
  ],
]);

refusedWith("too_large", [
  [
    "a chunk over the limit",
    "upload_chunk",
    chunk({ data: "x".repeat(65) }),
    /at most 64 bytes.*smaller chunks/,
    { bytes: 65, max_chunk_bytes: 64 },
  ],
  [
    "a chunk over the limit in bytes",
    "upload_chunk",
    chunk({ data: "é".repeat(33) }),
    /at most 64 bytes/,
    { bytes: 66 },
  ],
  [
    "content over the limit of a call",
    "save_artifact",
    save({ content: "x".repeat(65) }),
    /create_upload_session/,
    { max_chunk_bytes: 64 },
  ],
  [
    "content over the limit",
    "save_artifact",
    save({ content: "x".repeat(101) }),
    /at most 100 bytes/,
    { bytes: 101, max_artifact_bytes: 100 },
  ],
  [
    "a size over the limit",
    "create_upload_session",
    { ...here, size: 101 },
    /--max-artifact-bytes/,
    { bytes: 101, max_artifact_bytes: 100 },
  ],
]);

refusedWith("checksum_mismatch", [
  [
    "a chunk that does not match its sha256",
    "upload_chunk",
    chunk({ sha256: sha256Of("y") }),
    /Send it again from the same offset/,
    { expected: sha256Of("y"), actual: sha256Of("x") },
  ],
  [
    "a different sha256 at completion",
    "complete_upload_session",
    ({ open }) => ({ session_id: open, sha256: sha256Of("y") }),
    /abort_upload_session and upload again\. Or the sha256 that you gave was wrong.*complete_upload_session/,
    { actual: sha256Of("four") },
  ],
  [
    "a different sha256 after completion",
    "complete_upload_session",
    ({ done }) => ({ session_id: done, sha256: sha256Of("y") }),
    /SHA-256/,
    { actual: sha256Of("ok") },
  ],
  [
    "a sha256 that does not match empty content",
    "create_upload_session",
    { ...here, size: 0, sha256: sha256Of("y") },
    /No session was created/,
    { actual: sha256Of("") },
  ],
]);

refusedWith("version_conflict", [
  [
    "a key that must not exist",
    "save_artifact",
    save({ if_version: 0 }),
    /if_version 2/,
    { if_version: 0, version: 2 },
  ],
  [
    "an older version",
    "save_artifact",
    save({ if_version: 1 }),
    /Read the newest .* merge .* if_version 2/,
    { if_version: 1, version: 2 },
  ],
  [
    "a version of a key that does not exist",
    "save_artifact",
    save({ key: "new", if_version: 1 }),
    /does not exist/,
    { version: 0 },
  ],
]);

refusedWith("incomplete", [
  [
    "a completion before all bytes are stored",
    "complete_upload_session",
    ({ sized }) => ({ session_id: sized }),
    /4 of 10 bytes.*from offset 4/,
    { offset: 4, size: 10 },
  ],
]);

refusedWith("session_closed", [
  [
    "an append to an aborted session",
    "upload_chunk",
    ({ aborted }) => ({ session_id: aborted, offset: 0, data: "x" }),
    /create_upload_session/,
    { status: "aborted" },
  ],
  [
    "an empty append to an aborted session",
    "upload_chunk",
    ({ aborted }) => ({ session_id: aborted, offset: 0, data: "" }),
    /create_upload_session/,
  ],
  [
    "completing an aborted session",
    "complete_upload_session",
    ({ aborted }) => ({ session_id: aborted }),
    /create_upload_session/,
    { status: "aborted" },
  ],
  [
    "aborting a complete session",
    "abort_upload_session",
    ({ done }) => ({ session_id: done }),
    /delete_artifact/,
    { status: "complete" },
  ],
]);

describe("session_expired", () => {
  it.each([
    ["upload_chunk", { offset: 0, data: "x" }],
    ["complete_upload_session", {}],
  ])("for %s on an expired session, and publishes nothing", async (tool, args) => {
    const { engines, refusal, ids } = await openFullStore();
    const files = { ...contentsOf(engines), rows: undefined };
    const error = await refusal(tool, { session_id: ids.expired, ...args });
    expect(error).toMatchObject({ code: "session_expired", message: expect.stringMatching(/create_upload_session/) });
    expect({ ...contentsOf(engines), rows: undefined }).toEqual(files);
  });
});

describe("too_large", () => {
  it("for a chunk that takes an unsized upload past the size limit of an artifact", async () => {
    const { engines, refusal, ids } = await openFullStore();
    const { answer } = await connect(engines, { maxArtifactBytes: 60, now: () => 1_800_000_000_000 + week });
    expect(await answer("upload_chunk", { session_id: ids.open, offset: 4, data: "x".repeat(56) })).toMatchObject({
      offset: 60,
    });
    const before = contentsOf(engines);
    const error = await refusal("upload_chunk", { session_id: ids.open, offset: 60, data: "x".repeat(41) });
    expect(error).toMatchObject({ code: "too_large", bytes: 101, max_artifact_bytes: 100 });
    expect(contentsOf(engines)).toEqual(before);
  });
});

describe("internal", () => {
  it("logs the cause, and tells the client neither a path nor a stack", async () => {
    const { metadata, content } = createMemoryEngines();
    const secret = "EIO: /home/someone/metadata.sqlite";
    const logged: string[] = [];
    const { refusal } = await connect(
      { metadata: { ...metadata, get: () => Promise.reject(new Error(secret)) }, content },
      { log: (_level, event, fields) => void logged.push(`${event} ${JSON.stringify(fields)}`) },
    );
    const error = await refusal("get_artifact", here);
    expect(error).toEqual({ code: "internal", message: expect.stringMatching(/Make the same call again/) });
    expect(error.message).not.toMatch(/EIO|home|sqlite/);
    expect(logged.join("\n")).toContain(`tool_failed {"code":"internal","error":`);
    expect(logged.join("\n")).toContain(secret);
  });
});
