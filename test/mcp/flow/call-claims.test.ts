import { describe, expect, it } from "vitest";
import { addClaims, areFree, claimsOf, toolClaims } from "../../../src/mcp/flow/call-claims.js";
import { SessionKeys } from "../../../src/mcp/flow/session-keys.js";
import { connect } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

type Args = Record<string, unknown>;
const call = (name: string, args: unknown) => ({ method: "tools/call", params: { name, arguments: args } });
const request = (method: string, params: Args = {}) => ({ method, params });
const at = (bucket: string, key: string, more: Args = {}) => ({ bucket, key, ...more });

/** Session `s` publishes to b/k, `t` to c/k. The key of other sessions is not known. */
function sessions(): SessionKeys {
  const known = new SessionKeys();
  known.learn({ data: [{ id: "s", bucket: "b", key: "k", offset: 0 }] });
  known.learn({ id: "t", bucket: "c", key: "k", offset: 0 });
  return known;
}

/** Tells whether the second may run together with the first. */
function isFree(first: object, second: object): boolean {
  const [one, other] = [first, second].map((made) =>
    claimsOf({ jsonrpc: "2.0", id: 1, ...made } as Parameters<typeof claimsOf>[0], sessions()),
  );
  const used = new Map<string, string>();
  addClaims(used, one ?? new Map());
  return areFree(used, other ?? new Map());
}

const save = (bucket: string, key: string) => call("save_artifact", at(bucket, key, { content: "x" }));
const chunk = (session_id: string) => call("upload_chunk", { session_id, offset: 0, data: "x" });
const read = (bucket: string, key: string) => call("read_artifact", at(bucket, key));

it("every tool has claims", async () => {
  const { client } = await connect(createMemoryEngines(), { allowPaths: ["/data"] });
  const { tools } = await client.listTools();
  expect([...toolClaims.keys()].sort()).toEqual(tools.map(({ name }) => name).sort());
  const args = { bucket: "b", key: "k", session_id: "s", path: "/data/f" };
  for (const { name, inputSchema, annotations } of tools) {
    const own = Object.entries(args).filter(([argument]) => argument in (inputSchema.properties ?? {}));
    const made = call(name, Object.fromEntries(own));
    const isWriting = annotations?.readOnlyHint === false && name !== "export_file";
    expect(isFree(made, call("list_artifacts", { bucket: "b" })), name).toBe(!isWriting);
    expect(isFree(made, call("list_artifacts", { bucket: "c" })), name).toBe(true);
  }
});

describe("calls run in order", () => {
  it.each<[string, object, object]>([
    ["a write and a read of one key", save("b", "k"), read("b", "k")],
    ["two writes of one key", save("b", "k"), call("delete_artifact", at("b", "k"))],
    ["a write and a read of one key in two forms of Unicode", save("b", "\u00e9"), read("b", "e\u0301")],
    [
      "a write with its arguments as JSON text, and a read",
      call("save_artifact", JSON.stringify(at("b", "k"))),
      read("b", "k"),
    ],
    ["a write and its resource", save("b", "a b"), request("resources/read", { uri: "artifact://b/a%20b" })],
    ["a write and a listing of its bucket", save("b", "k"), call("list_artifacts", { bucket: "b" })],
    ["a write and its bucket's resource", save("b", "k"), request("resources/read", { uri: "artifact://b" })],
    ["a write and the buckets", save("b", "k"), call("list_buckets", {})],
    ["a write and a search of its bucket", save("b", "k"), call("search_artifacts", { bucket: "b" })],
    ["a write and a search", save("b", "k"), call("search_artifacts", { query: "k" })],
    ["a write and a description", save("b", "k"), call("describe_artifact", at("b", "k"))],
    [
      "a comparison and a write of its first key",
      call("compare_artifacts", at("b", "k", { to_key: "n" })),
      save("b", "k"),
    ],
    [
      "a comparison and a write of its second key",
      call("compare_artifacts", at("b", "k", { to_bucket: "c", to_key: "n" })),
      save("c", "n"),
    ],
    ["an update and a read", call("update_artifact", at("b", "k", { metadata: {} })), read("b", "k")],
    ["a copy and a read of its target", call("copy_artifact", at("b", "k", { to_key: "n" })), read("b", "n")],
    [
      "a copy and a read in its target's bucket",
      call("copy_artifact", at("b", "k", { to_bucket: "c" })),
      read("c", "k"),
    ],
    ["a copy and a write of its source", call("copy_artifact", at("b", "k", { to_key: "n" })), save("b", "k")],
    [
      "a move and a read of its source",
      call("copy_artifact", at("b", "k", { to_key: "n", move: true })),
      read("b", "k"),
    ],
    ["a deletion under a prefix and a read", call("delete_artifact", { bucket: "b", prefix: "k" }), read("b", "k")],
    ["a deletion under a prefix and a save", call("delete_artifact", { bucket: "b", prefix: "k" }), save("b", "k")],
    [
      "a deletion under a prefix and a listing",
      call("delete_artifact", { bucket: "b", prefix: "k" }),
      call("list_buckets", {}),
    ],
    ["a deletion under a prefix and a chunk", call("delete_artifact", { bucket: "b", prefix: "k" }), chunk("s")],
    ["a write and no arguments", save("b", "k"), call("list_buckets", null)],
    ["a write and the resources", save("b", "k"), request("resources/list")],
    ["a write and its subscription", save("b", "k"), request("resources/subscribe", { uri: "artifact://b/k" })],
    [
      "a subscription and its end",
      request("resources/subscribe", { uri: "artifact://b/k" }),
      request("resources/unsubscribe", { uri: "artifact://b/k" }),
    ],
    [
      "a chunk and a subscription to its session",
      chunk("s"),
      request("resources/subscribe", { uri: "artifact-upload://s" }),
    ],
    ["a chunk and a read of its session's key", chunk("s"), read("b", "k")],
    ["a chunk and a save of its session's key", chunk("s"), save("b", "k")],
    ["a chunk and a listing of its bucket", chunk("s"), call("list_artifacts", { bucket: "b" })],
    ["a chunk and its bucket's sessions", chunk("s"), call("list_upload_sessions", { bucket: "b" })],
    [
      "a creation and its key's sessions",
      call("create_upload_session", at("b", "n")),
      call("list_upload_sessions", at("b", "n")),
    ],
    ["a chunk of an unknown session and a read", chunk("unknown"), read("d", "k")],
    ["a chunk of an unknown session and a listing", chunk("unknown"), call("list_buckets", {})],
    ["a chunk of an unknown session and one of a known session", chunk("unknown"), chunk("s")],
    [
      "an import and get_upload_session on its session",
      call("import_file", { path: "/f", session_id: "s" }),
      call("get_upload_session", { session_id: "s" }),
    ],
    ["an import into a key, and a read", call("import_file", at("b", "k", { path: "/f" })), read("b", "k")],
    [
      "an export and an import of that file",
      call("export_file", at("b", "k", { path: "/f" })),
      call("import_file", at("c", "n", { path: "/f" })),
    ],
    [
      "two exports to one file",
      call("export_file", at("b", "k", { path: "/f" })),
      call("export_file", at("c", "n", { path: "/f" })),
    ],
    [
      "an import of a folder under a key, and a read below it",
      call("import_file", at("b", "r/1/", { path: "/f" })),
      read("b", "r/1/x/y"),
    ],
    [
      "an import of a folder into a bucket, and a save",
      call("import_file", { bucket: "b", path: "/f" }),
      save("b", "k"),
    ],
    [
      "an import of a folder and a listing",
      call("import_file", at("b", "r", { path: "/f" })),
      call("list_buckets", {}),
    ],
    [
      "an import of a folder and an import below its key",
      call("import_file", at("b", "r", { path: "/f" })),
      call("import_file", at("b", "r/1", { path: "/g" })),
    ],
    ["an export of a prefix and a save", call("export_file", { bucket: "b", prefix: "r", path: "/f" }), save("b", "k")],
    [
      "an export of a prefix into a folder, and an import from it",
      call("export_file", { bucket: "b", prefix: "r", path: "/f/" }),
      call("import_file", at("c", "n", { path: "/f/x" })),
    ],
    [
      "an import of a folder under a very long key, and a read below it",
      call("import_file", at("b", "a/".repeat(400), { path: "/f" })),
      read("b", `${"a/".repeat(500)}k`),
    ],
  ])("%s", (_, first, second) => {
    expect([isFree(first, second), isFree(second, first)]).toEqual([false, false]);
  });
});

describe("calls run concurrently", () => {
  it.each<[string, object, object]>([
    ["reads of one key", read("b", "k"), call("get_artifact", at("b", "k", { version: 1 }))],
    ["writes of two keys", save("b", "k"), save("b", "k2")],
    [
      "a copy and a read of its source",
      call("copy_artifact", at("b", "k", { to_key: "n", to_bucket: "" })),
      read("b", "k"),
    ],
    ["a write and a read of a key of the same name in another bucket", save("b", "k"), read("c", "k")],
    ["a write and a listing of another bucket", save("b", "k"), call("list_artifacts", { bucket: "c" })],
    ["a write and tools/list", save("b", "k"), request("tools/list")],
    [
      "a write and a completion",
      save("b", "k"),
      request("completion/complete", { ref: { uri: "artifact://{bucket}" } }),
    ],
    ["chunks of one session, which the store keeps in order", chunk("s"), chunk("s")],
    [
      "a chunk and get_upload_session on its session, for the same reason",
      chunk("s"),
      call("get_upload_session", { session_id: "s" }),
    ],
    ["chunks of two sessions", chunk("s"), chunk("t")],
    ["chunks of two unknown sessions", chunk("unknown"), chunk("unknown too")],
    ["a chunk and another key", chunk("s"), read("c", "k")],
    [
      "imports of two folders under two keys",
      call("import_file", at("b", "r/1", { path: "/f/1" })),
      call("import_file", at("b", "r/2", { path: "/f/2" })),
    ],
    [
      "an import of a folder and a key beside it",
      call("import_file", at("b", "r/1", { path: "/f" })),
      read("b", "r/10"),
    ],
    [
      "an export of a prefix and a read",
      call("export_file", { bucket: "b", prefix: "r", path: "/f" }),
      read("b", "r/1"),
    ],
    ["listings", call("list_buckets", {}), request("resources/list")],
    ["a listing and a read", call("list_artifacts", { bucket: "b" }), read("b", "k")],
    ["calls that will be refused", call("save_artifact", { bucket: "b" }), call("save_artifact", [7])],
    ["an unknown tool", call("rename", at("b", "k")), save("b", "k")],
    ["a URI that is not valid", request("resources/read", { uri: "artifact://b/../x?y" }), save("b", "k")],
    ["a URI of another server", request("resources/subscribe", { uri: "https://b/k" }), save("b", "k")],
  ])("%s", (_, first, second) => {
    expect([isFree(first, second), isFree(second, first)]).toEqual([true, true]);
  });
});

it.each(["artifact-upload://s", " s\n"])("a session's id that is written %j claims the same session", (written) => {
  expect(isFree(call("import_file", { path: "/f", session_id: "s" }), chunk(written))).toBe(false);
  expect(isFree(chunk(written), read("b", "k"))).toBe(false);
  expect(isFree(chunk(written), read("c", "k"))).toBe(true);
});

describe("SessionKeys", () => {
  it("remembers the last thousand sessions, and ignores other values", () => {
    const known = new SessionKeys();
    const session = (n: number) => ({ id: `s${n}`, bucket: "b", key: `k${n}`, offset: 0 });
    for (let n = 0; n <= 1_000; n += 1) expect(known.learn(session(n))).toBe(true);
    expect(known.learn(session(1_000))).toBe(false);
    expect([known.of("s0"), known.of("s1")]).toEqual([undefined, { bucket: "b", key: "k1" }]);
    for (const other of [
      undefined,
      null,
      5,
      {},
      [],
      { data: 5 },
      { data: [null, 5, { id: "x" }] },
      { id: "a", bucket: "b" },
    ]) {
      expect(known.learn(other)).toBe(false);
    }
  });
});

it("a list of one text claims what the text does", () => {
  const listed = call("save_artifact", { bucket: ["b"], key: ["k"], content: "x" });
  expect(isFree(save("b", "k"), listed)).toBe(false);
  expect(isFree(save("b", "other"), listed)).toBe(true);
});
