import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { answerTo, bearer } from "../support/http-client.js";
import { type HttpProcess, startService, startServiceIn } from "../support/http-process.js";
import { initialize } from "../support/server-process.js";

const MiB = 1024 * 1024;
const kinds = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const message = (id: number, method: string, params: object = {}) => ({ jsonrpc: "2.0", id, method, params });
const readResource = (id: number, key: string, length: number) =>
  message(id, "resources/read", { uri: `artifact://b/${key}?offset=0&length=${length}` });

async function beginSession(service: HttpProcess): Promise<Record<string, string>> {
  const body = JSON.stringify({ jsonrpc: "2.0", ...initialize });
  const { headers, status } = await service.ask("POST", "/mcp", { headers: kinds, body });
  expect(status).toBe(200);
  return { ...kinds, "mcp-session-id": String(headers["mcp-session-id"]) };
}

/** The memory of the process now, in bytes. */
async function residentBytes({ child }: HttpProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

const listBuckets = JSON.stringify(message(1, "tools/call", { name: "list_buckets", arguments: {} }));
const hundredReads = JSON.stringify(Array.from({ length: 100 }, (_, n) => readResource(n + 1, "k", 4 * MiB)));

describe.runIf(process.platform === "linux")("MCP over HTTP under load", () => {
  it("keeps the read and unread messages of forty clients within one limit, in a heap of 192 MiB", async () => {
    const environment = { NODE_OPTIONS: "--max-old-space-size=192" };
    const service = await startServiceIn(environment, await temporaryDirectory());
    const text = "x".repeat(4 * MiB);
    const saved = await service.ask("PUT", "/v1/content/b/k.txt", { body: text });
    expect(saved.status).toBe(201);
    const before = await residentBytes(service);
    for (let client = 0; client < 40; client += 1) {
      const headers = await beginSession(service);
      for (const [id, length] of [4 * MiB, 4 * MiB, 2 * MiB].entries()) {
        const body = JSON.stringify(readResource(id + 1, "k.txt", length));
        const { bytes, status } = await service.ask("POST", "/mcp", { headers, body });
        expect([status, bytes.length > length]).toEqual([200, true]);
      }
    }
    // Of 400 MB that were read, 64 MiB are kept. Reused buffers and garbage come on top.
    expect((await residentBytes(service)) - before).toBeLessThan(192 * MiB);
    expect((await service.ask("GET", "/readyz")).status).toBe(200);
  });

  it("refuses eight bodies of 60 MiB before they are sent, and holds eight bodies that stop at 40 MiB in less than 64 MiB", async () => {
    const service = await startService(await temporaryDirectory());
    const headers = await beginSession(service);
    const before = await residentBytes(service);
    const beginEight = (bytes: number) =>
      Array.from({ length: 8 }, () => service.begin("POST", "/mcp", { ...headers, "content-length": String(bytes) }));
    for (const request of beginEight(60 * MiB)) {
      request.write(Buffer.alloc(59 * MiB, 32));
      expect((await answerTo(request)).status).toBe(413);
    }
    expect((await residentBytes(service)) - before).toBeLessThan(64 * MiB);
    const stopped = beginEight(40 * MiB).map(
      (request) => new Promise((resolve) => request.write(Buffer.alloc(39 * MiB, 32), resolve)),
    );
    await Promise.any(stopped); // the server has read as much of one body as it accepts
    const ping = await service.ask("POST", "/mcp", { headers, body: JSON.stringify(message(7, "ping")) });
    expect(ping.status).toBe(200);
    expect((await residentBytes(service)) - before).toBeLessThan(64 * MiB);
  });

  it.each([kinds.accept, "application/json"])(
    "answers others while it answers a hundred reads of 4 MiB as %s",
    async (accept) => {
      const service = await startService(await temporaryDirectory());
      await service.ask("PUT", "/v1/content/b/k", { body: Buffer.alloc(4 * MiB, 1) });
      const [headers, others] = [await beginSession(service), await beginSession(service)];
      const before = await residentBytes(service);
      const length = { "content-length": String(hundredReads.length) };
      const request = service.begin("POST", "/mcp", { ...headers, ...length, accept });
      request.end(hundredReads);
      const [response] = (await once(request, "response")) as [IncomingMessage];
      let bytes = 0;
      let isOver = false;
      response.on("data", (block: Buffer) => {
        bytes += block.length;
      });
      const ended = once(response, "end").then(() => {
        isOver = true;
      });
      let answered = 0;
      for (; !isOver; answered += 1) {
        expect((await service.ask("POST", "/mcp", { headers: others, body: listBuckets })).status).toBe(200);
        expect((await residentBytes(service)) - before).toBeLessThan(256 * MiB);
      }
      await ended;
      expect(bytes).toBeGreaterThan(500 * MiB);
      expect(answered).toBeGreaterThan(5);
    },
  );

  it("answers each client with its own content, also when it is replayed, while buffers of answers are reused", async () => {
    const service = await startService(await temporaryDirectory());
    await Promise.all(
      Array.from({ length: 8 }, async (_, client) => {
        const content = randomBytes(3 * MiB);
        await service.ask("PUT", `/v1/content/b/k${client}`, { body: content });
        const headers = { ...(await beginSession(service)), "mcp-protocol-version": "2025-11-25" };
        const blobOf = (text: string) => /"blob":"([^"]*)"/.exec(text)?.[1];
        const blob = content.toString("base64");
        for (let id = 1; id <= 10; id += 1) {
          const accept = (id + client) % 2 === 0 ? kinds.accept : "*/*";
          const body = JSON.stringify(readResource(id, `k${client}`, 3 * MiB));
          const { text } = await service.ask("POST", "/mcp", { headers: { ...headers, accept }, body });
          expect(blobOf(text) === blob).toBe(true);
          const [, primed] = /^id: (\d+)$/m.exec(text) ?? [];
          if (primed === undefined) continue;
          const from = { ...headers, accept: "text/event-stream", "last-event-id": primed };
          const again = await service.ask("GET", "/mcp", { headers: from });
          // The messages of other clients may have replaced it.
          expect(again.status === 400 || blobOf(again.text) === blob).toBe(true);
        }
      }),
    );
  });

  it("answers other clients, within its memory limit, while ten clients read none of their answers", async () => {
    const service = await startService(await temporaryDirectory());
    await service.ask("PUT", "/v1/content/b/k", { body: Buffer.alloc(4 * MiB, 1) });
    const before = await residentBytes(service);
    for (let client = 0; client < 10; client += 1) {
      const accept = client % 2 === 0 ? kinds.accept : "application/json";
      const headers = { ...bearer, host: "localhost", ...(await beginSession(service)), accept };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const socket = connect(service.port, "127.0.0.1").on("error", () => undefined);
      onTestFinished(() => void socket.destroy());
      socket.pause();
      socket.write(`POST /mcp HTTP/1.1\r\n${lines.join("")}content-length: ${hundredReads.length}\r\n\r\n`);
      socket.write(hundredReads);
    }
    const others = await beginSession(service);
    for (let n = 0; n < 20; n += 1) {
      expect((await service.ask("POST", "/mcp", { headers: others, body: listBuckets })).status).toBe(200);
      expect((await residentBytes(service)) - before).toBeLessThan(512 * MiB);
    }
  });
});
