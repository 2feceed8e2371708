import { expect, it, onTestFinished } from "vitest";
import { fullNamesLog } from "../../../src/store/bucket-prefix/full-names-log.js";
import { ArtifactError } from "../../../src/store/model/errors.js";
import { parseSessionRow, sessionKey } from "../../../src/store/model/records.js";
import type { Store } from "../../../src/store/store.js";
import { serveHttp } from "../../support/http-client.js";
import { contentsOf } from "../../support/mcp-client.js";
import { bytesOf, createMemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

/** Stores with these prefixes, and one without, on the same engines. */
function storesOn(...prefixes: readonly string[]) {
  const engines = createMemoryEngines();
  const stores = ["", ...prefixes].map((bucketPrefix) => storeOn(engines, { bucketPrefix }));
  onTestFinished(async () => {
    for (const store of stores) await store.close();
  });
  const [whole, one, two] = stores as [Store, Store, Store];
  return { engines, whole, one, two };
}
async function refused(call: Promise<unknown>): Promise<ArtifactError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ArtifactError) return error;
  throw new Error("the call was not refused", { cause: error });
}
const bucketsOf = async ({ artifacts }: Store): Promise<string[]> =>
  (await artifacts.listBuckets({ limit: 100 })).data.map(({ name }) => name);

it("a bucket has the prefix in the store, and not for clients", async () => {
  const { whole, one, two } = storesOn("a-", "b-");
  await saveText(one, "results", "k", "of a");
  await saveText(two, "results", "k", "of b");
  expect(await bucketsOf(whole)).toEqual(["a-results", "b-results"]);
  expect([await bucketsOf(one), await bucketsOf(two)]).toEqual([["results"], ["results"]]);
  expect([await textOf(one, "results", "k"), await textOf(whole, "b-results", "k")]).toEqual(["of a", "of b"]);
});

it("under a prefix that begins another one, the other's buckets have longer names", async () => {
  const { one, two } = storesOn("a-", "a-b-");
  await saveText(one, "x", "k", "short");
  await saveText(two, "x", "k", "long");
  expect(await bucketsOf(one)).toEqual(["b-x", "x"]);
  expect(await bucketsOf(two)).toEqual(["x"]);
});

it("buckets whose rest is no bucket's name are not there", async () => {
  const { whole, one } = storesOn("a-");
  for (const bucket of ["a-", "a", "a-.x", "a-.y", "a-b", "a-.z"]) await saveText(whole, bucket, "k", bucket);
  await whole.uploads.create({ bucket: "a-", key: "k" });
  await whole.uploads.create({ bucket: "a-.x", key: "k" });
  expect(await bucketsOf(one)).toEqual(["b"]);
  const { data } = await one.artifacts.listAll({ limit: 1 });
  expect(data.map(({ bucket }) => bucket)).toEqual(["b"]);
  expect((await one.artifacts.search({ limit: 10 })).data.map(({ bucket }) => bucket)).toEqual(["b"]);
  expect((await one.uploads.list({ all: true, limit: 10 })).data).toEqual([]);
});

it("pages of any length list all rows under the prefix, and no others", async () => {
  const { whole, one } = storesOn("m-");
  const own = ["0", "-", "A.b", "_", "z", "m-"];
  for (const bucket of ["m", "m-", "m-.", "n-a", "l-z", "m-.q", ...own.map((name) => `m-${name}`)])
    for (const key of ["k", "é/1"]) if (!bucket.endsWith(".")) await saveText(whole, bucket, key, "x");
  for (const limit of [1, 2, 3, 100]) {
    const all: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await one.artifacts.listAll({ limit, cursor });
      all.push(...page.data.map(({ bucket, key }) => `${bucket} ${key}`));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(all).toEqual([...own].sort().flatMap((bucket) => [`${bucket} k`, `${bucket} é/1`]));
  }
});

it("a row whose name or text is damaged is no other bucket's, and ends no listing", async () => {
  const { engines, whole, one } = storesOn("a-");
  await saveText(whole, "b", "k", "x");
  for (const bucket of ["x", "z"]) await saveText(one, bucket, "k", "x");
  const foreign = engines.metadata.rows.get("artifact\tb\tk") ?? "";
  engines.metadata.rows.set("artifact\ta-x y\tk", foreign);
  for (const limit of [1, 9]) {
    const { data } = await one.artifacts.listAll({ limit });
    expect(data[0]?.bucket).toBe("x");
  }
  engines.metadata.rows.set("artifact\ta-x\tk", foreign);
  const { code, message } = await refused(one.artifacts.get("x", "k"));
  expect([code, message]).toEqual(["corrupt", "The metadata row artifact x k cannot be read. Nothing was changed."]);
});

it("words do not match the prefix", async () => {
  const { one } = storesOn("eval-");
  await saveText(one, "results", "k", "x");
  await saveText(one, "evals", "k", "x");
  const found = async (query: string) => (await one.artifacts.search({ query, limit: 9 })).data.map(({ uri }) => uri);
  expect(await found("eval")).toEqual(["artifact://evals/k"]);
  expect(await found("l-")).toEqual([]);
  expect(await found("l-r")).toEqual([]);
});

it("a bucket that is too long behind the prefix is refused with its own limit, and nothing is stored", async () => {
  const { engines, one } = storesOn("eval-");
  await saveText(one, "b", "k", "x"); // makes the rows of the store itself
  const before = contentsOf(engines);
  const bucket = "x".repeat(59);
  const small = { bucket, key: "k", bytes: bytesOf("x"), defaultMimeType: "text/plain" };
  const calls = [
    () => one.artifacts.save(small),
    () => one.artifacts.save({ ...small, bytes: Buffer.alloc(100_000) }),
    () => one.uploads.create({ bucket, key: "k", size: 3 }),
    () => one.artifacts.copy({ bucket: "b", key: "k", to_bucket: bucket }),
    () => one.artifacts.list({ bucket, limit: 1 }),
    () => one.artifacts.search({ bucket, limit: 1 }),
    () => one.artifacts.open(bucket, "k"),
  ];
  for (const call of calls) {
    const { message, details } = await refused(call());
    expect(message).toBe(
      `bucket "${bucket}" is not valid: it has 59 characters, and the limit is 58. "${"x".repeat(58)}" would do.`,
    );
    expect(details).toMatchObject({ argument: "bucket", suggestion: "x".repeat(58) });
  }
  expect(contentsOf(engines)).toEqual(before);
  await saveText(one, "x".repeat(58), "k", "x");
});

it("a session of another prefix is unknown, whatever is asked of it", async () => {
  const { engines, whole, one, two } = storesOn("a-", "b-");
  const { id } = await two.uploads.create({ bucket: "x", key: "k", size: 3 });
  await two.uploads.append(id, 0, bytesOf("ab"));
  const before = contentsOf(engines);
  const unknown = "f".repeat(32);
  for (const ask of [
    (of: string) => one.uploads.get(of),
    (of: string) => one.uploads.append(of, 0, bytesOf("ab")),
    (of: string) => one.uploads.complete(of),
    (of: string) => one.uploads.abort(of),
    (of: string) => one.uploads.dismiss(of),
    (of: string) => one.uploads.declareSize(of, 3),
  ]) {
    const [foreign, none] = [await refused(ask(id)), await refused(ask(unknown))];
    expect(foreign.code).toBe("session_not_found");
    const renamed = JSON.stringify({ ...foreign, message: foreign.message }).replaceAll(id, unknown);
    expect(renamed).toBe(JSON.stringify({ ...none, message: none.message }));
  }
  expect(contentsOf(engines)).toEqual(before);
  expect((await whole.uploads.get(id)).offset).toBe(2);
});

it("the list of artifacts has changed only after a change under the prefix", async () => {
  const { whole, one, two } = storesOn("a-", "b-");
  await saveText(one, "x", "k", "0");
  const signal = await whole.revisions.listing();
  let last = await one.revisions.listing();
  const hasChanged = async (): Promise<boolean> => {
    const before = last;
    last = await one.revisions.listing();
    return last !== before;
  };
  await saveText(two, "x", "k", "0");
  await expect.poll(() => whole.revisions.listing()).not.toBe(signal);
  expect(await hasChanged()).toBe(false);
  const steps = (text: string) => [
    () => saveText(one, "x", "k", text),
    () => saveText(one, "x", "l", text),
    () => saveText(one, "y", "l", text),
    () => one.artifacts.delete("x", "l"),
    () => one.artifacts.copy({ bucket: "x", key: "k", to_bucket: `z${text}` }),
  ];
  const edit = () => one.artifacts.update({ bucket: "x", key: "k", metadata: { seen: "yes" } });
  const many = () => Promise.all(Array.from({ length: 200 }, (_, number) => saveText(one, "many", `${number}`, "x")));
  for (const step of [...steps("1"), edit, many, ...steps("2")]) {
    await step();
    await expect.poll(hasChanged).toBe(true);
  }
});

it("a sweep of a server with a prefix is about the whole store", async () => {
  const engines = createMemoryEngines();
  let now = 1_800_000_000_000;
  const shared = { now: () => now, monotonicMs: () => now - 1_800_000_000_000, sessionTtlMs: 1_000 };
  const whole = storeOn(engines, shared);
  const { id } = await whole.uploads.create({ bucket: "x", key: "k" });
  now += 30 * 3_600_000;
  const one = storeOn(engines, { ...shared, bucketPrefix: "a-" });
  now += 2 * 3_600_000;
  await one.sweep.run();
  expect(parseSessionRow({ key: "", text: engines.metadata.rows.get(sessionKey(id)) ?? "" }).value.status).toBe(
    "expired",
  );
  expect((await one.verify()).faults).toEqual([]);
});

it("the confirm of a deletion is good for one bucket of the store, whatever the client calls it", async () => {
  const { whole, one, two } = storesOn("a-", "b-");
  for (const key of ["p/1", "p/2"]) for (const store of [one, two]) await saveText(store, "x", key, "text");
  const under = { bucket: "x", prefix: "p/" };
  const found = await one.artifacts.deleteUnder(under);
  const confirm = ("confirm" in found && found.confirm) || "none";
  expect(Buffer.from(confirm, "base64url").toString()).not.toContain("a-");
  expect(await refused(two.artifacts.deleteUnder({ ...under, confirm }))).toMatchObject({ code: "invalid_argument" });
  await saveText(whole, "x", "p/1", "text");
  expect(await refused(whole.artifacts.deleteUnder({ ...under, confirm }))).toMatchObject({ code: "invalid_argument" });
  const full = { ...under, bucket: "a-x", confirm };
  expect(await whole.artifacts.deleteUnder(full)).toEqual({ deleted: 2, bytes: 8, kept: 0 });
  expect(await bucketsOf(whole)).toEqual(["b-x", "x"]);
});

it("the log has the names of the store", async () => {
  const logged: unknown[] = [];
  const log = fullNamesLog((...event) => void logged.push(event), "a-");
  log("info", "copied", { bucket: "x", to_bucket: "y", key: "k", bytes: 1, session: "x" });
  log("info", "begun");
  log("error", "failed", { bucket: "x", error: 'Bucket "x" is full' });
  expect(logged).toEqual([
    ["info", "copied", { bucket: "a-x", to_bucket: "a-y", key: "k", bytes: 1, session: "x" }],
    ["info", "begun"],
    ["error", "failed", { bucket: "a-x", error: 'Bucket "x" is full', bucket_prefix: "a-" }],
  ]);
});

it("a download URL opens nothing on a server with another prefix", async () => {
  const engines = createMemoryEngines();
  const first = await serveHttp(engines, { bucketPrefix: "a-" });
  const second = await serveHttp(engines, { bucketPrefix: "b-" });
  const third = await serveHttp(engines);
  for (const { store } of [first, second, third]) await saveText(store, "x", "k", "secret");
  const { url = "" } = await first.store.artifacts.get("x", "k");
  const path = new URL(url).pathname + new URL(url).search;
  expect(path).toMatch(/^\/v1\/content\/x\/k\?/);
  expect((await first.askAsStranger("GET", path)).text).toBe("secret");
  for (const other of [second, third]) expect((await other.askAsStranger("GET", path)).status).toBe(401);
  expect((await third.askAsStranger("GET", path.replace("/x/", "/a-x/"))).text).toBe("secret");
});
