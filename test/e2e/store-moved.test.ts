import { existsSync } from "node:fs";
import { cp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { openDataDirectory } from "../../src/engines/data-directory.js";
import { endedSessionMs } from "../../src/store/model/limits.js";
import { temporaryDirectory } from "../support/directories.js";
import { type HttpProcess, startService } from "../support/http-process.js";
import { quiet, type ServerProcess, startServer, startServerUnder } from "../support/server-process.js";
import { silentLog } from "../support/silent-log.js";
import { storeOn } from "../support/stores.js";

/*
 * The data directory is moved away while servers run and hold its files open. The servers write nothing that would be
 * lost, and create nothing in its place.
 */

const bucket = "b";
/** Content of this size is too large for a row. */
const part = "in a file".repeat(8_000);

interface Scene {
  readonly folder: string;
  readonly root: string;
  readonly server: ServerProcess;
  readonly service: HttpProcess;
  /** An upload with stored content: `part`, and three bytes in a row. */
  readonly id: string;
}

async function scene(): Promise<Scene> {
  const folder = await temporaryDirectory();
  const root = join(folder, "store");
  const server = await startServerUnder(quiet, root);
  const service = await startService(root);
  await server.call("save_artifact", { bucket, key: "k", content: part });
  const { id = "" } = await server.call("create_upload_session", { bucket, key: "upload" });
  await server.call("upload_chunk", { session_id: id, offset: 0, data: part });
  await server.call("upload_chunk", { session_id: id, offset: part.length, data: "abc" });
  return { folder, root, server, service, id };
}

/** A server checks the directory again after a second. A write within that second goes to the store of the last check. */
const checkMs = 1_100;

/** Every call that writes, over MCP and over HTTP. */
async function expectRefused({ server, service, id }: Scene, offset = part.length + 3): Promise<void> {
  await delay(checkMs);
  for (const content of ["small", `${part}large`]) {
    const saved = await server.call("save_artifact", { bucket, key: "new", content });
    expect(saved.error?.code, content.slice(0, 9)).toBe("store_replaced");
    const put = await service.ask("PUT", "/v1/content/b/new", { body: content });
    expect([put.status, put.json["code"]]).toEqual([503, "store_replaced"]);
  }
  const session = { session_id: id };
  const refusals = [
    await server.call("upload_chunk", { ...session, offset, data: "def" }),
    await server.call("upload_chunk", { ...session, offset, data: part }),
    await server.call("create_upload_session", { bucket, key: "new" }),
    await server.call("complete_upload_session", session),
    await server.call("abort_upload_session", session),
    await server.call("delete_artifact", { bucket, key: "k" }),
  ].map(({ error }) => error?.code);
  expect(refusals).toEqual(refusals.map(() => "store_replaced"));
  const removed = await service.ask("DELETE", "/v1/artifacts/b/k");
  expect([removed.status, removed.json["code"]]).toEqual([503, "store_replaced"]);
  expect((await service.ask("GET", "/readyz")).status).toBe(503);
}

/** Removes a folder. Tries again if a server has just created a file in it. */
async function removeRoot({ root }: Scene): Promise<void> {
  await rm(root, { recursive: true, maxRetries: 9 });
}

/** Expects that the store is as before, and works. */
async function expectBack({ root, server, service, id }: Scene): Promise<void> {
  await expect.poll(async () => (await service.ask("GET", "/readyz")).status).toBe(200);
  const going = { session_id: id, offset: part.length + 3, data: "def" };
  await expect.poll(async () => (await server.call("upload_chunk", going)).error).toBeUndefined();
  expect((await server.call("complete_upload_session", { session_id: id }))["status"]).toBe("complete");
  const { bytes } = await service.ask("GET", "/v1/content/b/upload");
  expect(bytes.toString()).toBe(`${part}abcdef`);
  expect((await service.ask("PUT", "/v1/content/b/later", { body: "small" })).status).toBe(201);
  const found = await server.call("list_artifacts", { bucket });
  const keys = (found["data"] as unknown as { key: string }[]).map(({ key }) => key);
  expect(keys).toEqual(expect.arrayContaining(["k", "later", "upload"])); // a refused call may have been repeated here
  await expectSound(root);
}

async function expectSound(root: string): Promise<void> {
  const directory = await openDataDirectory(root, { mustExist: true }, silentLog);
  const store = storeOn(directory);
  expect((await store.verify({ graceMs: 0 })).faults).toEqual([]);
  await store.close();
  await directory.close();
}

it("a store that was moved away takes no write, is not created again, and works when it is back", async () => {
  const all = await scene();
  const away = join(all.folder, "away");
  await rename(all.root, away);
  await expectRefused(all);
  expect(existsSync(all.root)).toBe(false);
  await rename(away, all.root);
  await expectBack(all);
});

it("a removed store takes no write, and is not created again", async () => {
  const all = await scene();
  await removeRoot(all);
  await expectRefused(all);
  expect(existsSync(all.root)).toBe(false);
});

it("an older copy in its place is not written to by servers that had the newer store open", async () => {
  const all = await scene();
  const [older, newer] = [join(all.folder, "older"), join(all.folder, "newer")];
  await cp(all.root, older, { recursive: true });
  await all.server.call("upload_chunk", { session_id: all.id, offset: part.length + 3, data: "later" });
  await rename(all.root, newer);
  await rename(older, all.root);
  const before = await filesOf(all.root);
  await expectRefused(all, part.length + 8);
  expect(await filesOf(all.root)).toEqual(before);
  // A server that starts now works on the copy.
  const server = await startServer(all.root);
  const { offset } = await server.call("get_upload_session", { session_id: all.id });
  expect(offset).toBe(part.length + 3);
  await server.close();
  await removeRoot(all);
  await rename(newer, all.root);
  await expect.poll(async () => (await all.service.ask("GET", "/readyz")).status).toBe(200);
  const session = await all.server.call("get_upload_session", { session_id: all.id });
  expect(session["offset"]).toBe(part.length + 8);
  expect((await all.server.call("complete_upload_session", { session_id: all.id })).error).toBeUndefined();
});

it("nothing is swept if the store is not in its place", async () => {
  const folder = await temporaryDirectory();
  const [root, away] = [join(folder, "store"), join(folder, "away")];
  const directory = await openDataDirectory(root, {}, silentLog);
  const store = storeOn(directory);
  const { id } = await store.uploads.create({ bucket, key: "k" });
  await store.uploads.append(id, 0, Buffer.from(part));
  await cp(root, away, { recursive: true });
  await rename(root, join(folder, "newer"));
  await rename(away, root);
  const before = await filesOf(root);
  const later = storeOn(directory, { now: () => Date.now() + 9 * endedSessionMs });
  await expect(later.sweep.run({ graceMs: 0, trustsClock: true })).rejects.toMatchObject({ code: "store_replaced" });
  expect(await filesOf(root)).toEqual(before);
  await directory.close();
});

/** The names of the content files. Content in the database is not listed. */
async function filesOf(root: string): Promise<string[]> {
  const entries = await readdir(join(root, "content"), { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
}
