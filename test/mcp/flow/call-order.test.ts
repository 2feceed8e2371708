import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { createMcpServer } from "../../../src/mcp/session/mcp-server.js";
import { serveStdio } from "../../../src/mcp/stdio/serve-stdio.js";
import { defaultMaxChunkBytes } from "../../../src/store/model/limits.js";
import type { MetadataStore, RowChange } from "../../../src/store/ports/metadata-store.js";
import type { Store } from "../../../src/store/store.js";
import { gate } from "../../support/gate.js";
import { cases } from "../../support/hostile.js";
import { initialize } from "../../support/server-process.js";
import { silentLog } from "../../support/silent-log.js";
import { ClientOutput, type Message, settled } from "../../support/stdio-streams.js";
import { createMemoryEngines, storeOn } from "../../support/stores.js";

interface Call {
  readonly tool?: string;
  readonly method?: string;
  readonly params?: object;
}

const call = (tool: string, args: object): Call => ({ tool, params: { name: tool, arguments: args } });
const save = (key: string, content: string, more = {}) => call("save_artifact", { bucket: "b", key, content, ...more });
const read = (key: string) => call("read_artifact", { bucket: "b", key });
const list = (bucket = "b") => call("list_artifacts", { bucket });
const cancelled = (requestId: number) => ({ method: "notifications/cancelled", params: { requestId } });

/** A client of a store over stdio that sends calls in one write. */
async function connectTo(store: Store) {
  const [stdin, stdout] = [new PassThrough(), new ClientOutput()];
  stdout.setMaxListeners(0);
  const options = { version: "0", maxChunkBytes: defaultMaxChunkBytes, allowPaths: ["/data"], hasUrls: false };
  const shape = { readOnly: false, isLocal: true, log: silentLog, store };
  const session = await serveStdio(createMcpServer({ ...options, ...shape }), stdin, stdout, silentLog);
  onTestFinished(() => session.finish());
  let id = 100;
  const write = (...messages: object[]) =>
    stdin.write(messages.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join(""));
  const find = (wanted: number) => stdout.lines.find((message) => message.id === wanted);
  async function answer(wanted: number): Promise<Message> {
    for (;;) {
      const found = find(wanted);
      if (found !== undefined) return found;
      await new Promise((resolve) => stdout.once("line", resolve));
    }
  }
  write(initialize, { method: "notifications/initialized" });
  await answer(initialize.id);
  return {
    write,
    answer,
    find,
    finish: () => session.finish(),
    /** Sends all at once. @returns their ids */
    send(...calls: Call[]): number[] {
      const ids = calls.map(() => ++id);
      write(...calls.map(({ method = "tools/call", params }, at) => ({ id: ids[at], method, params })));
      return ids;
    },
    /** Sends all at once. @returns their answers, in the order of the calls */
    async together(...calls: Call[]) {
      return Promise.all(this.send(...calls).map(answer));
    },
  };
}

/** The text of an answer, or of its error. */
function said({ result, error }: Message): string {
  const { content, resources, contents } = (result ?? {}) as Record<string, { text?: string }[]>;
  if (error !== undefined) return error.message;
  return content?.map(({ text }) => text).join("\n") ?? JSON.stringify(contents ?? resources ?? result);
}

/** A store that holds changes of keys that begin with `slow` until `open` is called: all, or the first `most`. */
function slowStore(most = Number.POSITIVE_INFINITY) {
  const { passed, open } = gate();
  let held = 0;
  const engines = createMemoryEngines();
  const isSlow = ({ key }: RowChange) => /^artifact\t[^\t]*\tslow/.test(key);
  const metadata: MetadataStore = {
    ...engines.metadata,
    async change(rows, pieces) {
      if (rows.some(isSlow) && ++held <= most) await passed;
      return engines.metadata.change(rows, pieces);
    },
  };
  const store = storeOn({ ...engines, metadata });
  onTestFinished(async () => {
    open();
    await store.close();
  });
  return { store, open };
}

describe("calls that arrive together", () => {
  it("run in the order of their arrival if they use one key, and concurrently otherwise, however many wait", async () => {
    const { store, open } = slowStore();
    const client = await connectTo(store);
    const slow = client.send(...Array.from({ length: 40 }, (_, n) => save("slow", `${n}`)), read("slow"));
    const beside = await client.together(
      save("other", "x"),
      read("other"),
      list("elsewhere"),
      call("create_upload_session", { bucket: "b", key: "upload", size: 1 }),
      call("get_upload_session", { session_id: "nope" }),
      { method: "tools/list" },
      { method: "resources/read", params: { uri: "artifact://b/other" } },
    );
    expect(beside).toHaveLength(7);
    expect(said(beside[1] as Message)).toContain("x");
    expect(slow.map(client.find)).toEqual(slow.map(() => undefined));
    open();
    const answers = await Promise.all(slow.map(client.answer));
    const versions = answers
      .slice(0, 40)
      .map(({ result }) => (result as { structuredContent: object }).structuredContent);
    expect(versions).toMatchObject(Array.from({ length: 40 }, (_, n) => ({ version: n + 1 })));
    expect(said(answers[40] as Message)).toContain("39");
  });

  it("and list a bucket wait for earlier writes to this bucket, but not for writes to others", async () => {
    const { store, open } = slowStore();
    const client = await connectTo(store);
    await client.together(call("save_artifact", { bucket: "c", key: "k", content: "x" }));
    const waiting = client.send(
      save("slow", "x"),
      list(),
      call("list_buckets", {}),
      { method: "resources/list" },
      call("get_artifact", { bucket: "b", key: "slow", versions: 1 }),
      { method: "resources/read", params: { uri: "artifact://b/slow" } },
    );
    await client.together(list("c"), call("list_upload_sessions", { bucket: "c" }));
    expect(waiting.map(client.find)).toEqual(waiting.map(() => undefined));
    open();
    const [saved, ...others] = await Promise.all(waiting.map(client.answer));
    expect(said(saved as Message)).toContain('"version":1');
    const names = ["slow", "\nb", "artifact://b/slow", '"slow"', '"text":"x"'];
    for (const [at, other] of others.entries()) expect(said(other)).toContain(names[at]);
  });

  it("do not publish an upload if one of its chunks was refused, even while earlier calls are running", async () => {
    const { store } = slowStore();
    const client = await connectTo(store);
    const told = await client.together(call("create_upload_session", { bucket: "b", key: "k" }));
    const id = /"id":"([^"]*)"/.exec(said(told[0] as Message))?.[1] ?? "";
    const chunk = (args: object) => call("upload_chunk", { session_id: id, ...args });
    const complete = (args = {}) => call("complete_upload_session", { session_id: id, ...args });
    const bad = [{ offset: 4, data: "!", encoding: "base64" }, { offset: 4 }, { offset: 9, data: "later" }];
    for (const refused of bad) {
      const answers = await client.together(chunk({ offset: 0, data: "text" }), chunk(refused), complete());
      expect(said(answers[1] as Message)).toMatch(/^(invalid_argument|offset_conflict): /);
      expect(said(answers[2] as Message)).toMatch(
        /^incomplete: A chunk was refused, and no bytes are stored in its place/,
      );
    }
    const [, done] = await client.together(chunk({ offset: 4, data: "!" }), complete({ size: 5 }));
    expect(said(done as Message)).toContain('"bytes":5');
  });

  it("and upload to a session with an unknown key publish before a later call reads the key", async () => {
    const { store, open } = slowStore();
    const { id } = await store.uploads.create({ bucket: "b", key: "slow", size: 4, mime_type: "text/plain" });
    const client = await connectTo(store);
    await client.together(save("other", "x"));
    const chunk = call("upload_chunk", { session_id: id, offset: 0, data: "text" });
    const sent = client.send(chunk, read("slow"), read("other"));
    await client.together({ method: "tools/list" });
    expect(sent.map(client.find)).toEqual([undefined, undefined, undefined]);
    open();
    const [, published] = await Promise.all(sent.map(client.answer));
    expect(said(published as Message)).toContain("text");
  });

  const upload = { bucket: "b", key: "slow", size: 4, mime_type: "text/plain" };
  const chunkOf = (session_id: string, offset: number, data: string) =>
    call("upload_chunk", { session_id, offset, data });

  it.each<[string, (store: Store) => Promise<Call>]>([
    ["created by a call", async () => call("create_upload_session", upload)],
    [
      "read by a call",
      async ({ uploads }) => call("get_upload_session", { session_id: (await uploads.create(upload)).id }),
    ],
    [
      "listed by a call",
      async ({ uploads }) => {
        await uploads.create(upload);
        return call("list_upload_sessions", {});
      },
    ],
  ])("and upload to a session that was %s do not hold up calls on other keys", async (_, telling) => {
    const { store, open } = slowStore();
    const client = await connectTo(store);
    const [, told] = await client.together(save("other", "x"), await telling(store));
    const id = /"id":"([^"]*)"/.exec(JSON.stringify(told))?.[1] ?? "";
    const sent = client.send(chunkOf(id, 0, "text"), read("slow"));
    await client.together(read("other"), save("other", "y"));
    expect(sent.map(client.find)).toEqual([undefined, undefined]);
    open();
    const [, published] = await Promise.all(sent.map(client.answer));
    expect(said(published as Message)).toContain("text");
  });

  it("do not hold up calls on other keys once an answer has told the key of their session", async () => {
    const { store, open } = slowStore();
    const { id } = await store.uploads.create(upload);
    const client = await connectTo(store);
    await client.together(save("other", "x"));
    const sent = client.send(chunkOf(id, 0, "te"), chunkOf(id, 2, "xt"), read("slow"), read("other"));
    expect(said(await client.answer(sent[3] as number))).toContain("x");
    expect(sent.slice(1, 3).map(client.find)).toEqual([undefined, undefined]);
    open();
    expect(said(await client.answer(sent[2] as number))).toContain("text");
  });

  it("on two connections are not ordered", async () => {
    const { store, open } = slowStore();
    const [one, two] = [await connectTo(store), await connectTo(store)];
    const [saving] = one.send(save("slow", "x"));
    const [found] = await two.together(read("slow"));
    expect(said(found as Message)).toContain("artifact_not_found");
    expect(one.find(saving as number)).toBeUndefined();
    open();
    await one.answer(saving as number);
  });

  it("and subscribe to one key, unsubscribe from it and write it are all answered", async () => {
    const { store } = slowStore();
    const client = await connectTo(store);
    const uri = "artifact://b/k";
    const subscribe = { method: "resources/subscribe", params: { uri } };
    await client.together(subscribe, { method: "resources/unsubscribe", params: { uri } }, subscribe, save("k", "x"));
    const [found] = await client.together({ method: "resources/read", params: { uri } });
    expect(said(found as Message)).toContain("x");
  });
});

describe("a waiting call", () => {
  it("starts when the earlier ones have failed", async () => {
    const { store, open } = slowStore();
    const client = await connectTo(store);
    const sent = client.send(save("slow", "x", { if_version: 7 }), save("slow", "x", { metadata: [] }), read("slow"));
    open();
    const [conflict, refused, found] = await Promise.all(sent.map(client.answer));
    expect(said(conflict as Message)).toContain("version_conflict");
    expect(said(refused as Message)).toContain("invalid_argument");
    expect(said(found as Message)).toContain("artifact_not_found");
  });

  it("does not wait for a waiting call that was cancelled", async () => {
    const { store, open } = slowStore();
    const client = await connectTo(store);
    const sent = client.send(save("slow", "x"), call("delete_artifact", { bucket: "b", key: "slow" }), read("slow"));
    client.write(cancelled(sent[1] as number));
    open();
    const [saved, found] = await Promise.all([sent[0], sent[2]].map((id) => client.answer(id as number)));
    expect(said(saved as Message)).toContain('"version":1');
    expect(said(found as Message)).toContain("x");
    expect(client.find(sent[1] as number)).toBeUndefined();
  });

  it("waits until the work on a cancelled call has ended, though that call gets no answer", async () => {
    const { store, open } = slowStore(1);
    const client = await connectTo(store);
    const [first] = client.send(save("slow", "first"));
    await client.together(save("other", "x")); // the first one has begun
    client.write(cancelled(first as number));
    const [second] = client.send(save("slow", "second"));
    await client.together(read("other"));
    await settled();
    expect(client.find(second as number)).toBeUndefined();
    open();
    expect(said(await client.answer(second as number))).toContain('"version":2');
    const [found] = await client.together(read("slow"));
    expect(said(found as Message)).toContain("second");
    expect(client.find(first as number)).toBeUndefined();
  });

  it("never starts if it is cancelled in the same write", async () => {
    const { store, open } = slowStore(1);
    const client = await connectTo(store);
    client.write({ id: 1, method: "tools/call", params: save("slow", "first").params }, cancelled(1));
    const [second] = client.send(save("slow", "second"));
    await client.together(save("other", "x"), read("other"));
    await settled();
    expect(client.find(second as number)).toBeUndefined(); // it is the store's first change, so the store holds it
    open();
    expect(said(await client.answer(second as number))).toContain('"version":1');
    expect(client.find(1)).toBeUndefined();
  });
});

/** Calls on few keys, so that many use the same one. */
const key = fc.constantFrom("k", "k2");
const bucket = fc.constantFrom("b", "c");
const anyCall: fc.Arbitrary<(ids: readonly string[]) => Call> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(bucket, key, fc.constantFrom("x", "yy", "zzz")) }.arbitrary.map(
    ([bucket, key, content]) =>
      () =>
        call("save_artifact", { bucket, key, content }),
  ),
  fc.tuple(fc.constantFrom("read_artifact", "get_artifact", "delete_artifact"), bucket, key).map(
    ([tool, bucket, key]) =>
      () =>
        call(tool, { bucket, key }),
  ),
  fc.tuple(fc.constantFrom("list_artifacts", "list_upload_sessions"), bucket).map(
    ([tool, bucket]) =>
      () =>
        call(tool, { bucket }),
  ),
  fc.constantFrom(
    () => call("list_buckets", {}),
    () => call("list_upload_sessions", {}),
    (): Call => ({ method: "resources/list" }),
    (): Call => ({ method: "resources/read", params: { uri: "artifact://b/k" } }),
  ),
  fc.tuple(fc.nat(2), fc.nat(4)).map(
    ([which, offset]) =>
      (ids: readonly string[]) =>
        call("upload_chunk", { session_id: ids[which], offset, data: "0123456789".slice(offset, offset + 2) }),
  ),
  fc.tuple(fc.constantFrom("complete_upload_session", "get_upload_session", "abort_upload_session"), fc.nat(2)).map(
    ([tool, which]) =>
      (ids: readonly string[]) =>
        call(tool, { session_id: ids[which] }),
  ),
  bucket.map((bucket) => () => call("create_upload_session", { bucket, key: "k", size: 0 })),
);

/** A store whose steps take different times, with one session for each of three keys. */
async function unevenStore(delays: readonly number[]) {
  const engines = createMemoryEngines();
  let step = 0;
  const uneven = <Args extends unknown[], Result>(method: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      for (let left = delays[step++ % delays.length] ?? 0; left > 0; left -= 1) await settled();
      return method(...args);
    };
  };
  const { get, getMany, change, range, grouped } = engines.metadata;
  const metadata: MetadataStore = {
    ...engines.metadata,
    get: uneven(get),
    getMany: uneven(getMany),
    change: uneven(change),
    range: uneven(range),
    grouped: uneven(grouped),
  };
  let number = 0;
  const newId = () => `${++number}`.padStart(32, "0");
  const store = storeOn({ ...engines, metadata }, { now: () => 1_800_000_000_000, newId });
  const create = async (bucket: string, key: string, size?: number) =>
    (await store.uploads.create({ bucket, key, size })).id;
  return { store, ids: [await create("b", "k", 4), await create("b", "k2"), await create("c", "k", 2)] };
}

/** Advice about other keys than that of the call, whose calls it does not wait for. */
const nearby = / (?:The bucket does not exist\.|Near it: "[^"]*"(?:, "[^"]*")*\.)/;

/**
 * Removes what depends on the order in which concurrent calls began: the ids of later sessions, and advice about other
 * keys.
 */
function plain(message: Message, ids: readonly string[]): string {
  const text = said(message)
    .replace(/\d{32}/g, (id) => (ids.includes(id) ? id : "new"))
    .replace(nearby, "");
  const { data } = text.startsWith('{"data"') ? JSON.parse(text) : { data: undefined };
  return data === undefined ? text : JSON.stringify(data.map((item: object) => JSON.stringify(item)).sort());
}

it("calls that arrive together get the answers that they would get one after the other", async () => {
  const property = fc.asyncProperty(
    fc.array(anyCall, { minLength: 2, maxLength: 24 }),
    fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }),
    fc.boolean(),
    async (makers, delays, areKnown) => {
      const [inTurn, atOnce] = [await unevenStore([0]), await unevenStore(delays)];
      const [one, other] = [await connectTo(inTurn.store), await connectTo(atOnce.store)];
      if (areKnown) await other.together(call("list_upload_sessions", {}));
      const expected: string[] = [];
      for (const make of makers) {
        const [answer] = await one.together(make(inTurn.ids));
        expected.push(plain(answer as Message, inTurn.ids));
      }
      const answers = await other.together(...makers.map((make) => make(atOnce.ids)));
      expect(answers.map((answer) => plain(answer, atOnce.ids))).toEqual(expected);
      await Promise.all([one, other].map(({ finish }) => finish()));
      await Promise.all([inTurn, atOnce].map(({ store }) => store.close()));
    },
  );
  await fc.assert(property, { numRuns: cases(150, 5_000) });
});

it("all other calls are answered, whichever calls are cancelled", async () => {
  const entry = fc.tuple(anyCall, fc.option(fc.nat(20), { nil: undefined }));
  const property = fc.asyncProperty(
    fc.array(entry, { minLength: 2, maxLength: 24 }),
    fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }),
    async (entries, delays) => {
      const { store, ids } = await unevenStore(delays);
      const client = await connectTo(store);
      const sent = client.send(...entries.map(([make]) => make(ids)));
      const dropped = new Set<number>();
      for (const [at, [, delay]] of entries.entries()) {
        if (delay === undefined) continue;
        for (let left = delay; left > 0; left -= 1) await settled();
        dropped.add(sent[at] as number);
        client.write(cancelled(sent[at] as number));
      }
      await Promise.all(sent.filter((id) => !dropped.has(id)).map(client.answer));
      const [last] = await client.together(list());
      expect(last).toBeDefined(); // it waited for all writes
      await client.finish();
      await store.close();
    },
  );
  await fc.assert(property, { numRuns: cases(100, 5_000) });
});
