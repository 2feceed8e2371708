import { describe, expect, it } from "vitest";
import type { Artifact } from "../../../src/store/model/artifact.js";
import type { UploadSession } from "../../../src/store/model/upload-session.js";
import { temporaryDirectory } from "../../support/directories.js";
import { type Connection, connect, contentsOf, openEngines, sha256Of, uploadsOf } from "../../support/mcp-client.js";
import { sourceOf } from "../../support/sources.js";
import { connectForUploads, day, nowSeconds } from "../../support/upload-client.js";

describe("complete_upload_session", () => {
  it("publishes the uploaded bytes, and gives the same answer to a second call", async () => {
    const { create, append, complete, read, answer, refusal } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    const done = await complete(id, { sha256: sha256Of("hello") });
    expect(done).toMatchObject({ status: "complete", size: null, offset: 5, artifact: { version: 1, bytes: 5 } });
    expect(await complete(id)).toEqual(done);
    const other = await refusal("complete_upload_session", { session_id: id, sha256: sha256Of("other") });
    expect(other.message).toMatch(
      /complete already, and its artifact stays\. To save other content under the same key, create a new session/,
    );
    expect(await read()).toBe("hello");
    const wanted = { bucket: "b", key: "k.txt", versions: 100 };
    const { versions: data } = await answer<{ versions: Artifact[] }>("get_artifact", wanted);
    expect(data).toEqual([done.artifact]);
  });

  it("makes an artifact of 0 bytes if nothing was uploaded, and says that it is empty", async () => {
    const { create, call } = await connectForUploads();
    const { id } = await create();
    const { structuredContent, content } = await call("complete_upload_session", { session_id: id });
    expect(structuredContent).toMatchObject({ artifact: { bytes: 0 } });
    expect(content[1]).toMatchObject({ text: expect.stringMatching(/is empty: no byte was uploaded/) });
  });

  const refusedLast: [string, object][] = [
    ["an invalid argument", { offset: 5, data: 42 }],
    ["an offset past the end", { offset: 10, data: "later" }],
    ["another digest", { offset: 5, data: "x", sha256: sha256Of("y") }],
    ["an offset that cannot be converted", { offset: { valueOf: 1, toString: 1 }, data: "x" }],
    ["no offset", { data: "x" }],
  ];
  it.each(refusedLast)("publishes nothing after a refused chunk (%s) until the rest is stored", async (_, chunk) => {
    const { create, append, complete, refusal, read } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    await refusal("upload_chunk", { session_id: id, ...chunk });
    for (const replayed of ["hel", "hello"]) await append(id, 0, replayed); // a replay stores nothing that is missing
    await append(id, 5, "");
    const error = await refusal("complete_upload_session", { session_id: id });
    expect(error).toMatchObject({ code: "incomplete", session_id: id, offset: 5 });
    expect(error.message).toMatch(/chunk was refused.*Send the rest with upload_chunk from offset 5.*size 5/);
    await append(id, 5, " world");
    expect(await complete(id)).toMatchObject({ status: "complete", artifact: { bytes: 11 } });
    expect(await read()).toBe("hello world");
  });

  it("publishes nothing after several refused chunks until the last of them is stored", async () => {
    const { create, append, complete, refusal } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "aaa");
    await refusal("upload_chunk", { session_id: id, offset: 3, data: null });
    await refusal("upload_chunk", { session_id: id, offset: 6, data: "ccc" });
    await append(id, 3, "bbb");
    expect(await refusal("complete_upload_session", { session_id: id })).toMatchObject({ offset: 6 });
    await append(id, 6, "ccc");
    expect(await complete(id)).toMatchObject({ artifact: { bytes: 9 } });
  });

  it("publishes the stored bytes after a refused chunk if size says that they are all", async () => {
    const { create, append, complete, refusal } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    await refusal("upload_chunk", { session_id: id, offset: 6, data: "x" });
    expect(await complete(id, { size: 5 })).toMatchObject({ status: "complete", size: 5, artifact: { bytes: 5 } });
    expect(await complete(id)).toMatchObject({ status: "complete" });
  });

  it("publishes all bytes if the refused part arrives in another way", async () => {
    const { create, append, complete, refusal, store } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "h");
    await refusal("upload_chunk", { session_id: id, offset: 2, data: "x" });
    const error = await refusal("complete_upload_session", { session_id: id });
    expect(error.message).toMatch(
      /: 1 byte is stored\..*If 1 byte is all there is, call complete_upload_session with size 1/,
    );
    await store.uploads.appendStream(id, sourceOf(Buffer.from("ello")), { offset: 1 });
    expect(await complete(id)).toMatchObject({ status: "complete", artifact: { bytes: 5 } });
  });

  it("still misses a refused chunk after 1,000 chunks of unknown uploads were refused", async () => {
    const { create, refusal } = await connectForUploads();
    const { id } = await create();
    await refusal("upload_chunk", { session_id: id, offset: 0, data: 42 });
    for (let other = 0; other < 1_000; other += 1) {
      await refusal("upload_chunk", {
        session_id: `no ${other}`,
        offset: 0,
        ...(other % 2 ? { data: 42 } : { data: "x" }),
      });
    }
    expect(await refusal("complete_upload_session", { session_id: id })).toMatchObject({ code: "incomplete" });
  });

  it("ends an upload, so that later errors do not say to go on with it", async () => {
    const { create, append, complete, refusal } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    await complete(id);
    const error = await refusal("upload_chunk", { session_id: id, offset: 9, data: "x" });
    expect(error).toMatchObject({ code: "offset_conflict", offset: 5 });
    expect(error.message).toMatch(/leaves a gap.*5 bytes are stored\. To save other content .* create a new session/);
  });

  it("ends an upload whose declared size was too large, if size says what there is", async () => {
    const { create, append, complete, refusal, read } = await connectForUploads();
    const { id } = await create({ size: 9 });
    await append(id, 0, "hello");
    const error = await refusal("complete_upload_session", { session_id: id });
    expect(error).toMatchObject({ code: "incomplete", offset: 5 });
    expect(error.message).toMatch(/If 5 bytes are all there is, call complete_upload_session with size 5\.$/);
    for (const size of [4, 6]) {
      const refused = await refusal("complete_upload_session", { session_id: id, size });
      expect(refused).toMatchObject({ code: "invalid_argument", argument: "size" });
    }
    expect(await complete(id, { size: 5 })).toMatchObject({ status: "complete", size: 5, artifact: { bytes: 5 } });
    expect(await complete(id, { size: 5 })).toMatchObject({ status: "complete" });
    expect(await read()).toBe("hello");
  });

  it("says that an aborted upload has ended, whatever size is given", async () => {
    const { create, append, refusal, answer } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    await answer("abort_upload_session", { session_id: id });
    for (const size of [3, 5, 9]) {
      expect(await refusal("complete_upload_session", { session_id: id, size })).toMatchObject({
        code: "session_closed",
      });
    }
  });

  it("publishes nothing if size is different", async () => {
    const { create, append, complete, refusal } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    const more = await refusal("complete_upload_session", { session_id: id, size: 6 });
    expect(more).toMatchObject({ code: "incomplete", offset: 5, size: null });
    expect(more.message).toMatch(
      /^5 of 6 bytes are stored\. Send the rest .* call complete_upload_session with size 5/,
    );
    const less = await refusal("complete_upload_session", { session_id: id, size: 4 });
    expect(less).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(/holds 5 bytes already/) });
    expect(await complete(id, { size: 5 })).toMatchObject({ artifact: { bytes: 5 } });
    const late = await refusal("complete_upload_session", { session_id: id, size: 6 });
    expect(late).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(/has 5 bytes/) });
  });

  it("publishes nothing if sha256 is different, and keeps the bytes", async () => {
    const { create, append, complete, refusal, engines } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    const before = contentsOf(engines);
    const error = await refusal("complete_upload_session", { session_id: id, sha256: sha256Of("other") });
    expect(error).toMatchObject({ code: "checksum_mismatch", expected: sha256Of("other"), actual: sha256Of("hello") });
    expect(contentsOf(engines)).toEqual(before);
    expect(await complete(id)).toMatchObject({ status: "complete" });
  });

  it("publishes a session whose if_version was not met under another if_version", async () => {
    const connection = await connectForUploads();
    const { create, append, refusedAppend, complete, get, answer, read } = connection;
    const { id } = await create({ size: 3, if_version: 0 });
    await append(id, 0, "ne");
    await answer("save_artifact", { bucket: "b", key: "k.txt", content: "old" });
    const error = await refusedAppend(id, 2, "w");
    expect(error).toMatchObject({ code: "version_conflict", session_id: id, if_version: 0, version: 1 });
    expect(error.message).toMatch(/complete_upload_session .*"if_version":"1"} publishes this upload without/);
    expect(await get(id)).toMatchObject({ status: "conflict", offset: 3, if_version: "0" });
    const { content } = await connection.call("get_upload_session", { session_id: id });
    expect(content[1]).toMatchObject({ text: expect.stringMatching(/if_version, 0, was not met.*get_artifact/) });
    expect(await complete(id, { if_version: 1 })).toMatchObject({ status: "complete", artifact: { version: 2 } });
    expect(await read()).toBe("new");
  });

  it("makes no version if the newest one is the same already", async () => {
    const { create, append, complete, answer, engines } = await connectForUploads();
    const { id } = await create({ if_version: 0 });
    const saved = await answer("save_artifact", { bucket: "b", key: "k.txt", content: "same" });
    await append(id, 0, "same");
    expect((await complete(id)).artifact).toEqual({ ...saved, already_saved: true });
    expect((await complete(id)).artifact).toEqual({ ...saved, already_saved: true });
    expect(await answer("get_artifact", { bucket: "b", key: "k.txt" })).toEqual(saved);
    expect(engines.metadata.pieceMap.size + engines.content.files.size).toBe(1);
  });
});

describe("abort_upload_session", () => {
  it("frees the bytes, publishes nothing, and gives the same answer to a second call", async () => {
    const { create, append, abort, get, refusal, engines } = await connectForUploads();
    const { id } = await create();
    await append(id, 0, "hello");
    const aborted = await abort(id);
    expect(aborted).toMatchObject({ id, status: "aborted" });
    expect(aborted).not.toHaveProperty("artifact");
    expect(await abort(id)).toEqual(aborted);
    expect(await get(id)).toEqual(aborted);
    expect(engines.metadata.pieceMap.size + engines.content.files.size).toBe(0);
    expect(await refusal("list_artifacts", { bucket: "b" })).toMatchObject({ code: "bucket_not_found" });
  });
});

describe("list_upload_sessions", () => {
  interface Listing {
    data: UploadSession[];
    next_cursor?: string;
  }

  it("finds unfinished sessions by bucket and key, all with all, in the form of get_upload_session", async () => {
    const { create, append, complete, abort, get, answer } = await connectForUploads();
    const [first, second, other, elsewhere] = [
      await create(),
      await create(),
      await create({ key: "k.txt2" }),
      await create({ bucket: "b2" }),
    ];
    await append(first.id, 0, "hello");
    await complete(first.id);
    await abort(other.id);
    const all = await Promise.all([first, second, other, elsewhere].map(({ id }) => get(id)));
    const found = async (filter: object) =>
      new Set((await answer<Listing>("list_upload_sessions", { ...filter })).data);
    expect(await found({ bucket: "b", key: "k.txt", all: true })).toEqual(new Set(all.slice(0, 2)));
    expect(await found({ bucket: "b", key: "k.txt" })).toEqual(new Set([all[1]]));
    expect(await found({ bucket: "b", all: true })).toEqual(new Set(all.slice(0, 3)));
    expect(await found({ all: true })).toEqual(new Set(all));
    expect(await found({})).toEqual(new Set([all[1], all[3]]));
    expect(await found({ bucket: "b", key: "none" })).toEqual(new Set());
    expect(await found({ bucket: "none" })).toEqual(new Set());
  });

  it("does not list the sessions that save_artifact uses internally", async () => {
    const { answer } = await connectForUploads();
    await answer("save_artifact", { bucket: "b", key: "k", content: "x" });
    expect(await answer("list_upload_sessions")).toEqual({ data: [] });
  });

  it("shows an upload past its time as expired", async () => {
    let now = nowSeconds;
    const { create, answer } = await connectForUploads({ now: () => now * 1000 });
    const { id } = await create();
    now += 7 * day;
    expect(await answer("list_upload_sessions", { all: true })).toMatchObject({ data: [{ id, status: "expired" }] });
  });

  it("lists every session exactly once in pages", async () => {
    const { create, answer } = await connectForUploads();
    const made = [];
    for (let n = 0; n < 5; n += 1) made.push((await create({ key: `k${n % 2}` })).id);
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page: Listing = await answer("list_upload_sessions", { limit: 2, ...(cursor && { cursor }) });
      ids.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(ids.sort()).toEqual(made.sort());
  });
});

describe("another server on the same directory", () => {
  it("finds a lost upload by bucket and key, continues it while the first server still runs, and publishes it", async () => {
    const directory = await temporaryDirectory();
    const [one, other] = [await connect(await openEngines(directory)), await connect(await openEngines(directory))];
    const [mine, theirs] = [uploadsOf(one), uploadsOf(other)];
    const { id } = await mine.create({ size: 15 });
    await mine.append(id, 0, "hello");
    const filter = { bucket: "b", key: "k.txt" };
    const { data } = await other.answer<{ data: UploadSession[] }>("list_upload_sessions", filter);
    expect(data).toMatchObject([{ id, offset: 5, status: "open" }]);
    await theirs.append(id, 5, "world");
    const conflict = await mine.refusedAppend(id, 5, "WORLD");
    expect(conflict).toMatchObject({ code: "offset_conflict", offset: 10 });
    const done = await mine.append(id, 10, "again");
    expect(done).toMatchObject({ status: "complete", artifact: { sha256: sha256Of("helloworldagain") } });
    expect(await theirs.get(id)).toEqual(done);
    expect(await theirs.read()).toBe("helloworldagain");
  });

  it("never stores different bytes at the same offset", async () => {
    const directory = await temporaryDirectory();
    const connections = [await connect(await openEngines(directory)), await connect(await openEngines(directory))];
    const { id } = await uploadsOf(connections[0] as Connection).create();
    let content = "";
    for (let round = 0; round < 10; round += 1) {
      const args = (n: number) => ({ session_id: id, offset: content.length, data: `${round}${"ab"[n]}` });
      const results = await Promise.all(connections.map(({ call }, n) => call("upload_chunk", args(n))));
      const won = results.flatMap(({ isError }, n) => (isError ? [] : [`${round}${"ab"[n]}`]));
      expect(won).toHaveLength(1);
      content += won[0];
    }
    const { complete } = uploadsOf(connections[1] as Connection);
    expect(await complete(id, { size: content.length })).toMatchObject({
      artifact: { sha256: sha256Of(content) },
    });
  });
});
