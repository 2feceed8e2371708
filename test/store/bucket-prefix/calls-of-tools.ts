import { folder, foreignSession, type World } from "../../support/prefix-world.js";

/** Calls every tool, in the ways that name, list, find or miss a bucket. */
export async function callTools({ tool, request, mcp }: World): Promise<void> {
  const { client } = mcp;
  await request("setLevel", () => client.setLoggingLevel("debug"));
  for (const bucket of ["b", "a-b-", "deep.x", "models"]) {
    const metadata = { run: "17", of: "me" };
    await tool("save_artifact", { bucket, key: "table.csv", content: "x,y\n1,2\n", metadata });
    await tool("save_artifact", { bucket, key: "table.csv", content: "x,y\n1,3\n", metadata });
    await tool("save_artifact", { bucket, key: "notes.txt", content: `notes of ${bucket}\nsecond line\n` });
  }
  await tool("save_artifact", { bucket: "b", key: "table.csv", content: "x", if_version: 0 });
  await tool("save_artifact", { bucket: "no/bucket", key: "k", content: "x" });
  await tool("save_artifact", { bucket: ".b", key: "k", content: "x" });

  await upload({ tool } as World);
  await tool("list_buckets");
  await tool("list_buckets", { limit: 1 });
  const { next_cursor: next } = await tool("list_buckets", { limit: 2 });
  await tool("list_buckets", { limit: 2, cursor: next });
  for (const bucket of ["b", "models", "Reports", "a-b-", "a-b", "a-b-.b", "c", "tabel"]) {
    await tool("list_artifacts", { bucket });
    await tool("list_artifacts", { bucket, delimiter: "/" });
    await tool("get_artifact", { bucket, key: "table.csv" });
    await tool("get_artifact", { bucket, key: "due.txt" });
    await tool("get_artifact", { bucket, key: "tabel.csv", versions: 2 });
    await tool("read_artifact", { bucket, key: "table.csv" });
    await tool("read_artifact", { bucket, key: "notes.txt", find: "second" });
    await tool("read_artifact", { bucket, key: "tables.csv" });
    await tool("describe_artifact", { bucket, key: "table.csv" });
    await tool("compare_artifacts", { bucket, key: "table.csv", version: 1 });
    await tool("compare_artifacts", { bucket: "b", key: "table.csv", to_bucket: bucket, to_key: "notes.txt" });
    await tool("update_artifact", { bucket, key: "table.csv", metadata: { seen: "yes" }, merge: true });
    await tool("export_file", { bucket, key: "table.csv", path: `${folder}/${bucket}.csv` });
  }
  await tool("list_artifacts", { bucket: "b", limit: 1 });
  const words = ["a", "a-", "a-b", "a-b-", "b", "17", "me", "table", "csv", "notes", "cretofother", "deep", "nothing"];
  for (const query of words) for (const limit of [2, 20]) await tool("search_artifacts", { query, limit });
  for (const order of ["newest", "oldest", "largest", "smallest", "key"]) {
    const page = await tool("search_artifacts", { order, limit: 3 });
    await tool("search_artifacts", { order, limit: 3, cursor: page.next_cursor });
    await tool("search_artifacts", { order, bucket: "b", metadata: { run: "17" } });
    await tool("search_artifacts", { order, bucket: "a-b" });
  }
  await tool("import_file", { path: `${folder}/one.csv`, bucket: "b" });
  await tool("import_file", { path: `${folder}/two`, bucket: "imported", key: "two/" });
  await tool("import_file", { path: `${folder}/one.csv`, bucket: "b", session_id: foreignSession });
  await tool("export_file", { bucket: "b", prefix: "/", path: `${folder}/out` });

  await tool("copy_artifact", { bucket: "b", key: "table.csv", to_bucket: "copies" });
  await tool("copy_artifact", { bucket: "b", key: "table.csv", to_bucket: "a", to_key: "k", move: true });
  await tool("copy_artifact", { bucket: "Reports", key: "table.csv", to_bucket: "b", to_key: "stolen" });
  await tool("delete_artifact", { bucket: "deep.x", key: "table.csv" });
  await tool("delete_artifact", { bucket: "z", key: "table.csv" });
  for (const bucket of ["models", "z", "a-b"]) {
    const { confirm } = await tool("delete_artifact", { bucket, prefix: "t" });
    await tool("delete_artifact", { bucket, prefix: "t", confirm });
    await tool("delete_artifact", { bucket: "Reports", prefix: "t", confirm });
  }
  await readResources({ request, mcp } as World);
}

async function upload({ tool }: World): Promise<void> {
  const { id } = await tool("create_upload_session", { bucket: "b", key: "upload.txt", size: 6 });
  await tool("create_upload_session", { bucket: "b", key: "upload.txt" });
  await tool("create_upload_session", { bucket: "b", key: "longer.csv", from: { key: "table.csv" } });
  await tool("create_upload_session", { bucket: "Reports", key: "k", from: { bucket: "Reports", key: "table.csv" } });
  await tool("create_upload_session", { bucket: "z", key: "k", from: { key: "table.csv", version: 1 } });
  await tool("upload_chunk", { session_id: id, offset: 0, data: "abc" });
  await tool("upload_chunk", { session_id: id, offset: 5, data: "abc" });
  for (const session_id of [id, foreignSession, "f".repeat(32)]) {
    await tool("get_upload_session", { session_id });
    await tool("upload_chunk", { session_id, offset: 0, data: "abc" });
    await tool("complete_upload_session", { session_id });
  }
  await tool("list_upload_sessions");
  for (const bucket of ["b", "z", "a-b-", "a-b"]) {
    await tool("list_upload_sessions", { bucket, all: true });
    await tool("list_upload_sessions", { bucket, key: "upload.txt", all: true });
  }
  await tool("list_upload_sessions", { all: true, limit: 1 });
  await tool("upload_chunk", { session_id: id, offset: 3, data: "def" });
  await tool("list_upload_sessions", { all: true });
  for (const session_id of [id, foreignSession]) await tool("abort_upload_session", { session_id });
}

/** Reads, lists and completes resources. */
async function readResources({ request, mcp: { client } }: World): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await request("resources/list", () => client.listResources(cursor === undefined ? {} : { cursor }));
    cursor = (page as { nextCursor?: string }).nextCursor;
  } while (cursor !== undefined);
  await request("templates", () => client.listResourceTemplates());
  const uris = [
    "",
    "b",
    "a-b",
    "a-b-",
    "Reports",
    "b/notes.txt",
    "z/notes.txt",
    "b/tabel.csv",
    "z/table.csv?version=1",
  ];
  for (const uri of uris) {
    await request(uri, () => client.readResource({ uri: `artifact://${uri === "" ? "/" : uri}` }));
    await request(`subscribe ${uri}`, () => client.subscribeResource({ uri: `artifact://${uri === "" ? "/" : uri}` }));
  }
  await request("upload", () => client.readResource({ uri: `artifact-upload://${foreignSession}` }));
  for (const value of ["", "a", "a-b", "b", "d", "R", "z"]) {
    const ref = { type: "ref/resource" as const, uri: "artifact://{bucket}/{+key}" };
    await request(`complete ${value}`, () => client.complete({ ref, argument: { name: "bucket", value } }));
    const context = { arguments: { bucket: value } };
    await request(`complete key in ${value}`, () =>
      client.complete({ ref, argument: { name: "key", value: "" }, context }),
    );
  }
}
