import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { token } from "../support/http-client.js";
import { originOf, startService } from "../support/http-process.js";
import { initialize, spawnRaw, startServer, toolCall } from "../support/server-process.js";

const MiB = 1024 * 1024;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function usedPort(): Promise<number> {
  const other = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await once(other, "listening");
  return (other.address() as { port: number }).port;
}

describe("a service", () => {
  it("answers requests, and ends cleanly when it is told to", async () => {
    const service = await startService(await temporaryDirectory());
    expect(await service.ask("GET", "/healthz")).toMatchObject({ status: 200 });
    service.child.kill("SIGTERM");
    expect(await service.exited).toBe(0);
    expect(service.stdout()).toBe("");
  });

  it("creates and prints a token if it has none", async () => {
    const root = await temporaryDirectory();
    const service = spawnRaw(["--root", root, "--no-stdio", "--http", "127.0.0.1:0"]);
    const origin = await originOf(service);
    const [, made = ""] = await service.heard(/takes the token (\S+)\n/);
    const ask = (sent: string) => fetch(`${origin}/v1/artifacts`, { headers: { authorization: `Bearer ${sent}` } });
    expect((await ask(made)).status).toBe(200);
    expect((await ask(`${made}x`)).status).toBe(401);
    expect(made.length).toBeGreaterThanOrEqual(22);
  });

  it("ends with one line that says so if its port is taken", async () => {
    const port = await usedPort();
    const service = spawnRaw(["--root", await temporaryDirectory(), "--no-stdio", "--http", `127.0.0.1:${port}`]);
    expect(await service.exited).toBe(1);
    expect(service.stderr()).toMatch(/^artifacts-mcp: 127\.0\.0\.1:\d+ is in use [^\n]+\n$/);
  });

  it("keeps its URLs valid across a restart, with a file only for its owner", async () => {
    const root = await temporaryDirectory();
    const first = await startService(root);
    const body = JSON.stringify({ bucket: "b", key: "k", size: 5 });
    const { url } = (await first.ask("POST", "/v1/artifacts", { body })).json as { url: string };
    const saved = (await first.ask("PUT", "/v1/content/b/saved", { body: "saved" })).json as { url: string };
    await first.kill();
    const key = join(root, "signing-key");
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    expect(await readFile(key, "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    await startService(root, first.port);
    expect(await (await fetch(url, { method: "PUT", body: "hello" })).json()).toMatchObject({ bytes: 5 });
    expect(await (await fetch(saved.url)).text()).toBe("saved");
  });
});

it("a service looks into content", async () => {
  const service = await startService(await temporaryDirectory());
  for (const price of [12, 13]) {
    await service.ask("PUT", "/v1/content/b/prices.csv", { body: `id,price\n5,${price}\n6,8\n` });
  }
  const { json } = await service.ask("GET", "/v1/describe/b/prices.csv");
  expect(json).toMatchObject({ version: 2, description: { format: "csv", table: { rows: 2, columns: 2 } } });
  const info = (await service.ask("GET", "/v1/artifacts/b/prices.csv")).json;
  expect(info["description"]).toEqual(json["description"]);
  const last = await service.ask("GET", "/v1/rows/b/prices.csv?row=-1&columns=price&columns=id&format=csv");
  expect(last.text).toBe("price,id\n8,6\n");
  const compared = await service.ask("GET", "/v1/compare?bucket=b&key=prices.csv&by=id");
  const by = { rows_added: 0, rows_removed: 0, rows_changed: 1, changes: "~ id=5: price 12 -> 13\n" };
  expect(compared.json).toMatchObject({ comparison: { kind: "table", table: { by } } });
  await service.ask("PUT", "/v1/content/b/x", { body: Buffer.from([0, 1, 2, 254, 255]) });
  expect((await service.ask("GET", "/v1/rows/b/x")).status).toBe(422);
});

it.each(["[::1]:0", "localhost:0"])("a service listens on %s", async (address) => {
  const service = spawnRaw(["--root", await temporaryDirectory(), "--no-stdio", "--http", address]);
  expect(await (await fetch(`${await originOf(service)}/healthz`)).json()).toEqual({ status: "ok" });
});

it("a service can end while clients listen to it and read from it", async () => {
  const service = await startService(await temporaryDirectory());
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", service.origin), { requestInit });
  const client = new Client({ name: "test", version: "0" });
  await client.connect(transport as Transport);
  onTestFinished(() => client.close());
  await service.ask("PUT", "/v1/content/b/k", { body: Buffer.alloc(8 * MiB) });
  const reading = service.begin("GET", "/v1/content/b/k");
  reading.end();
  await once(reading, "response"); // the client reads no more
  service.child.kill("SIGTERM");
  expect(await service.exited).toBe(0);
});

describe("beside stdio", () => {
  it("URLs are HTTP URLs", async () => {
    const server = await startServer(await temporaryDirectory(), "--http", "127.0.0.1:0", "--http-token", token);
    const { url = "" } = await server.call("create_upload_session", { bucket: "b", key: "k", size: 5 });
    const { url: download } = (await (await fetch(url, { method: "PUT", body: "hello" })).json()) as { url: string };
    expect(await (await fetch(download)).text()).toBe("hello");
    expect(await server.call("get_artifact", { bucket: "b", key: "k" })).toHaveProperty("url");
  });

  it("a taken port is a warning, and the tools work without URLs", async () => {
    const port = await usedPort();
    const server = spawnRaw(["--root", await temporaryDirectory(), "--http", `127.0.0.1:${port}`]);
    server.send(initialize, toolCall(1, "create_upload_session", { bucket: "b", key: "k" }));
    expect(await server.answer(1)).toMatchObject({
      result: { structuredContent: { url: expect.stringMatching(/^artifact-upload:/) } },
    });
    expect(server.stderr()).toContain("is in use");
    expect(JSON.stringify((await server.answer(0)).result)).not.toContain("curl");
    server.child.stdin.end();
    expect(await server.exited).toBe(0);
  });
});

describe("an upload", () => {
  it("continues after kill -9 from every acknowledged byte", async () => {
    const root = await temporaryDirectory();
    const content = randomBytes(24 * MiB);
    let service = await startService(root);
    const { port } = service;
    const body = JSON.stringify({ bucket: "b", key: "k", size: content.length });
    const { url } = (await service.ask("POST", "/v1/artifacts", { body })).json as { url: string };
    const offset = async () => (await service.ask("GET", url)).json["offset"] as number;
    for (const until of [5 * MiB, 13 * MiB]) {
      const at = await offset();
      const headers = { "upload-offset": String(at), "content-length": String(content.length - at) };
      service.begin("PUT", url, headers).write(content.subarray(at, until));
      await expect.poll(offset).toBe(until);
      await service.kill();
      service = await startService(root, port);
      expect(await offset()).toBe(until);
    }
    const at = await offset();
    const rest = { body: content.subarray(at), headers: { "upload-offset": String(at) } };
    const done = await service.ask("POST", url, rest);
    expect(done).toMatchObject({ status: 200, json: { bytes: content.length, sha256: sha256(content) } });
    const { url: download } = done.json as { url: string };
    expect(sha256((await service.ask("GET", download)).bytes)).toBe(sha256(content));
  });

  it("accepts a text chunk, a local file, PUT and tus, with a kill -9 between each", async () => {
    const base = await temporaryDirectory();
    const [root, allowed] = [join(base, "store"), join(base, "allowed")];
    await mkdir(allowed);
    const content = Buffer.from(
      randomBytes(36 * MiB)
        .toString("base64")
        .slice(0, 48 * MiB),
    );
    const path = join(allowed, "data.txt");
    await writeFile(path, content);
    const start = () => startServer(root, "--allow-path", allowed, "--http", "127.0.0.1:0", "--http-token", token);

    const first = await start();
    const { id } = await first.call("create_upload_session", { bucket: "b", key: "k", size: content.length });
    await first.call("upload_chunk", { session_id: id, offset: 0, data: content.subarray(0, 20_000).toString() });
    await first.kill();

    const second = await start();
    expect(await second.call("get_upload_session", { session_id: id })).toMatchObject({ offset: 20_000 });
    let dying: Promise<void> | undefined;
    const onprogress = (): void => {
      dying ??= second.kill();
    };
    const importing = second.client.callTool({ name: "import_file", arguments: { path, session_id: id } }, undefined, {
      onprogress,
    });
    await expect(importing).rejects.toThrow();
    await dying;

    const third = await startService(root);
    const session = `/v1/artifacts/session:${id}`;
    const offsetAt = async (service: typeof third) => (await service.ask("GET", session)).json["offset"] as number;
    const imported = await offsetAt(third);
    expect(imported).toBeGreaterThanOrEqual(8 * MiB);
    const until = imported + 9 * MiB + 5;
    const headers = { "upload-offset": String(imported), "content-length": String(content.length - imported) };
    third.begin("PUT", session, headers).write(content.subarray(imported, until));
    await expect.poll(() => offsetAt(third)).toBe(until);
    await third.kill();

    const fourth = await startService(root);
    expect(await offsetAt(fourth)).toBe(until);
    const tus = { "tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream" };
    const last = { body: content.subarray(until), headers: { ...tus, "upload-offset": String(until) } };
    expect(await fourth.ask("PATCH", session, last)).toMatchObject({ status: 204 });
    const { artifact } = (await fourth.ask("GET", session)).json as { artifact: object };
    expect(artifact).toMatchObject({ bytes: content.length, sha256: sha256(content) });
  });

  it("that is running when the server ends keeps every byte that was sent", async () => {
    const root = await temporaryDirectory();
    const service = await startService(root);
    const body = JSON.stringify({ bucket: "b", key: "k", size: 10 * MiB });
    const { url } = (await service.ask("POST", "/v1/artifacts", { body })).json as { url: string };
    const request = service.begin("PUT", url, { "content-length": String(10 * MiB) });
    request.write(Buffer.alloc(3 * MiB));
    await expect.poll(async () => (await service.ask("GET", url)).json["offset"]).toBe(3 * MiB);
    service.child.kill("SIGTERM");
    expect(await service.exited).toBe(0);
    const again = await startService(root, service.port);
    expect((await again.ask("GET", url)).json).toMatchObject({ offset: 3 * MiB, status: "open" });
  });
});
