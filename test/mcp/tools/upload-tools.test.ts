import { describe, expect, it } from "vitest";
import { DecodedContent } from "../../../src/mcp/fast-json/fast-json.js";
import { uploadChunk } from "../../../src/mcp/tools/upload-chunk.js";
import type { Artifact } from "../../../src/store/model/artifact.js";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { Store } from "../../../src/store/store.js";
import { gate } from "../../support/gate.js";
import { sha256Of } from "../../support/mcp-client.js";
import { connectForUploads, day, nowSeconds } from "../../support/upload-client.js";

describe("create_upload_session", () => {
  it("answers an open session at offset 0 that expires after 7 days", async () => {
    const { create, get } = await connectForUploads();
    const session = await create({ size: 5, metadata: { a: "b" } });
    expect(session).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32,}$/),
      bucket: "b",
      key: "k.txt",
      mime_type: "text/plain",
      url: `artifact-upload://${session.id}`,
      offset: 0,
      size: 5,
      status: "open",
      metadata: { a: "b" },
      created_at: nowSeconds,
      expires_at: nowSeconds + 7 * day,
    });
    expect(await get(session.id)).toEqual(session);
  });

  it("answers size null without a size, and application/octet-stream without a file extension", async () => {
    const { create } = await connectForUploads();
    expect(await create({ key: "k" })).toMatchObject({ size: null, mime_type: "application/octet-stream" });
  });

  it("completes a session of size 0 at once", async () => {
    const { create, get, read } = await connectForUploads();
    const session = await create({ size: 0, sha256: sha256Of("") });
    expect(session).toMatchObject({
      status: "complete",
      offset: 0,
      artifact: { version: 1, bytes: 0, sha256: sha256Of("") },
    });
    expect(await get(session.id)).toEqual(session);
    expect(await read()).toBe("");
  });
});

it("create_upload_session from the newest version of a key that does not exist says to leave from out", async () => {
  const { refusal } = await connectForUploads();
  const refused = await refusal("create_upload_session", { bucket: "b", key: "k", from: "newest" });
  expect(refused).toMatchObject({ code: "artifact_not_found", key: "k" });
  expect(refused.message).toContain("If the key is right and new, leave from out.");
});

describe("upload_chunk", () => {
  it("counts offsets in bytes of text, never in characters", async () => {
    const { create, append, complete, read } = await connectForUploads();
    const { id } = await create();
    let offset = 0;
    for (const [data, bytes] of [
      ["é", 2],
      ["€", 3],
      ["😀", 4],
      ["a", 1],
    ] as const) {
      ({ offset } = await append(id, offset, data));
      expect(offset, data).toBe({ é: 2, "€": 5, "😀": 9, a: 10 }[data]);
      expect(bytes).toBe(Buffer.byteLength(data));
    }
    await complete(id);
    expect(await read()).toBe("é€😀a");
  });

  it("publishes a sized session with its last byte, and answers the artifact", async () => {
    const { create, append, answer, engines } = await connectForUploads();
    const { id } = await create({ size: 10, metadata: { by: "me" } });
    expect(await append(id, 0, "hello")).toMatchObject({ offset: 5, status: "open" });
    const last = await append(id, 5, "world");
    expect(last).toMatchObject({ offset: 10, status: "complete" });
    expect(last.artifact).toEqual({
      bucket: "b",
      key: "k.txt",
      version: 1,
      mime_type: "text/plain",
      bytes: 10,
      sha256: sha256Of("helloworld"),
      created_at: nowSeconds,
      saved_by: "test 0",
      uri: "artifact://b/k.txt",
      metadata: { by: "me" },
    });
    expect(await answer<Artifact>("get_artifact", { bucket: "b", key: "k.txt" })).toEqual(last.artifact);
    const [artifact] = [...engines.metadata.rows].filter(([name]) => name.startsWith("artifact\t"));
    const [version] = JSON.parse(artifact?.[1] ?? "").versions;
    const named = version.pieces.map(({ name }: { name: string }) => `${version.session}/${name}`);
    expect([...engines.metadata.pieceMap.keys(), ...engines.content.files.keys()]).toEqual(named);
  });

  it("accepts text, base64 and empty chunks in one upload, also chunks cut inside a character", async () => {
    const { create, append, complete, read } = await connectForUploads();
    const { id } = await create();
    const euro = Buffer.from("€");
    await append(id, 0, euro.subarray(0, 1).toString("base64"), { encoding: "base64" });
    expect(await append(id, 1, "")).toMatchObject({ offset: 1, status: "open" });
    await append(id, 1, euro.subarray(1).toString("base64"), { encoding: "base64" });
    await append(id, 3, "uro");
    await complete(id);
    expect(await read()).toBe("€uro");
  });

  it("checks a chunk's own sha256 before it stores the chunk", async () => {
    const { create, append, refusedAppend, get } = await connectForUploads();
    const { id } = await create();
    expect(await append(id, 0, "hello", { sha256: sha256Of("hello") })).toMatchObject({ offset: 5 });
    const error = await refusedAppend(id, 5, "world", { sha256: sha256Of("other") });
    expect(error).toMatchObject({ code: "checksum_mismatch", expected: sha256Of("other"), actual: sha256Of("world") });
    expect(await get(id)).toMatchObject({ offset: 5 });
  });

  it("accepts a replay at any offset, and appends the bytes past the end", async () => {
    const { create, append, complete, read } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    await append(id, 5, "world");
    expect(await append(id, 0, "hello")).toMatchObject({ offset: 10 });
    expect(await append(id, 3, "lowo")).toMatchObject({ offset: 10 });
    expect(await append(id, 7, "rld!!")).toMatchObject({ offset: 12 });
    await complete(id);
    expect(await read()).toBe("helloworld!!");
  });

  it.each([
    ["a gap", 6, "x"],
    ["an empty chunk past the end", 6, ""],
    ["other bytes at an earlier offset", 0, "hallo"],
    ["a replay that differs only in its overlap", 4, "x world"],
  ])("rejects %s and reports the offset to go on from", async (_what, offset, data) => {
    const { create, append, refusedAppend, get } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    const error = await refusedAppend(id, offset, data);
    expect(error).toMatchObject({ code: "offset_conflict", offset: 5, message: expect.stringMatching(/offset 5\b/) });
    expect(await get(id)).toMatchObject({ offset: 5, status: "open" });
  });

  it("answers replays after completion with the artifact, and other bytes with session_closed or offset_conflict", async () => {
    const { create, append, complete, refusedAppend } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    const done = await complete(id);
    expect(await append(id, 0, "hello")).toEqual(done);
    expect(await append(id, 5, "")).toEqual(done);
    expect(await refusedAppend(id, 0, "hallo")).toMatchObject({ code: "offset_conflict", offset: 5 });
    expect(await refusedAppend(id, 5, "more")).toMatchObject({ code: "session_closed" });
  });

  it("runs calls on one session in their order of arrival", async () => {
    const { create, append, complete, read } = await connectForUploads();
    const { id } = await create();
    const offsets = await Promise.all(Array.from("0123456789", (digit, n) => append(id, n, digit)));
    expect(offsets.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await complete(id);
    expect(await read()).toBe("0123456789");
  });

  it("extends the session with each accepted byte, and not with a replay", async () => {
    let now = nowSeconds;
    const { create, append } = await connectForUploads({ now: () => now * 1000 });
    const { id } = await create();
    now += day;
    expect(await append(id, 0, "x")).toMatchObject({ expires_at: now + 7 * day });
    now += day;
    expect(await append(id, 0, "x")).toMatchObject({ expires_at: now + 6 * day });
  });
});

describe("sha256 at creation", () => {
  it("publishes matching content", async () => {
    const { create, append } = await connectForUploads();
    const { id } = await create({ size: 5, sha256: sha256Of("hello") });
    expect(await append(id, 0, "hello")).toMatchObject({ status: "complete" });
  });

  it("publishes nothing if the content does not match, names both digests, and keeps the bytes for the right digest", async () => {
    const { create, append, refusedAppend, refusal, answer, complete, read } = await connectForUploads();
    const { id } = await create({ size: 5, sha256: sha256Of("hello") });
    await append(id, 0, "ha");
    const error = await refusedAppend(id, 2, "llo");
    expect(error).toMatchObject({
      code: "checksum_mismatch",
      expected: sha256Of("hello"),
      actual: sha256Of("hallo"),
      offset: 5,
      session_id: id,
      message: expect.stringMatching(
        /are kept\. Either other bytes arrived .* abort_upload_session .*complete_upload_session/,
      ),
    });
    expect(await refusal("get_upload_session", { session_id: id })).toEqual(error);
    const listed = { data: [{ id, offset: 5, size: 5, status: "open" }] };
    expect(await answer("list_upload_sessions")).toMatchObject(listed);
    expect(await refusal("get_artifact", { bucket: "b", key: "k.txt" })).toMatchObject({ code: "artifact_not_found" });
    expect(await refusedAppend(id, 0, "hello")).toMatchObject({ code: "offset_conflict", offset: 5, differs_at: 1 });
    const done = await complete(id, { sha256: sha256Of("hallo") });
    expect(done).toMatchObject({ status: "complete", artifact: { sha256: sha256Of("hallo") } });
    expect(await read()).toBe("hallo");
  });
});

describe("a chunk that differs from what is stored", () => {
  it("is answered first with where to go on, and never with an abort if it begins like the stored one", async () => {
    const { create, append, refusedAppend, get } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "The quick brown fox\n");
    const { message } = await refusedAppend(id, 0, "The quick red fox\njumps");
    expect(message).toBe(
      'Go on at offset 20 with what comes after "The quick brown fox\\n". The bytes that were sent differ from what is stored, from byte 10 on, and were not kept.',
    );
    expect(await get(id)).toMatchObject({ status: "open", offset: 20 });
  });

  it("is answered last with how to begin anew if its first byte differs", async () => {
    const { create, append, refusedAppend } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "PK123456");
    const { message } = await refusedAppend(id, 0, "name,size\n");
    expect(message).toMatch(/^Go on at offset 8 with what comes after "PK123456"\. .* from byte 0 on, /);
    expect(message).toContain(`Only if you want to upload other content: abort_upload_session {"session_id":"${id}"}`);
  });

  it("is answered with what from means, if the upload was begun with a version", async () => {
    const { create, answer, refusedAppend } = await connectForUploads();
    await answer("save_artifact", { bucket: "b", key: "k.txt", content: "one\n" });
    const { id } = await create({ from: "newest" });
    const { message } = await refusedAppend(id, 0, "two\n");
    expect(message).toMatch(/^Go on at offset 4 with what comes after "one\\n"\. /);
    expect(message).toMatch(/the content of that version is stored already: send only what comes after it\. Only to/);
  });

  it("is answered with the place of a whole character", async () => {
    const { create, append, refusedAppend } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, Buffer.from("12€").subarray(0, 4).toString("base64"), { encoding: "base64" });
    const { message } = await refusedAppend(id, 0, "1x");
    expect(message).toMatch(/^Go on at offset 2 with what comes after "12"\./);
  });

  it("is answered with bytes that are no text, and with a whole upload, without words that mislead", async () => {
    const { create, append, refusedAppend } = await connectForUploads();
    const binary = await create();
    await append(binary.id, 0, Buffer.from([0, 1, 2]).toString("base64"), { encoding: "base64" });
    const refused = await refusedAppend(binary.id, 0, "x");
    expect(refused.message).toMatch(/^Go on at offset 3 with what comes after the first 3 bytes \(bytes, not/);
    const whole = await create({ key: "whole", size: 2, sha256: sha256Of("ab") });
    await refusedAppend(whole.id, 0, "xy");
    const { message } = await refusedAppend(whole.id, 0, "ab");
    expect(message).toMatch(/^All 2 bytes are stored already: get_upload_session says what is left to do\./);
    expect(message).not.toContain("abort");
  });
});

it.each([
  ["answered", async () => ({ status: "open" })],
  [
    "refused",
    async () => Promise.reject(new ArtifactError("offset_conflict", "a gap", { next: "continue_at_offset" })),
  ],
])("upload_chunk gives its memory back when the append is %s, and not before", async (_, settle) => {
  const appending = gate();
  const append = async () => {
    await appending.passed;
    return settle();
  };
  const store = { uploads: { append } } as unknown as Store;
  const tool = uploadChunk({
    store,
    maxChunkBytes: 10,
    hasUrls: false,
    savedBy: () => undefined,
    allowedDirectories: async () => [],
  });
  let isReleased = false;
  const data = new DecodedContent(Buffer.from("abc"), () => {
    isReleased = true;
  });
  const call = { signal: new AbortController().signal, progress: () => undefined };
  const answer = tool.call({ session_id: "s", offset: 0, data }, call).catch((error) => error);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isReleased).toBe(false);
  appending.open();
  await answer;
  expect(isReleased).toBe(true);
});
