import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
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

/** In bytes: what the process has in memory now. */
async function residentBytes({ child }: HttpProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Requests of a large answer that is not read, and the sockets they came on. */
function stall(service: HttpProcess, head: string): Socket {
  const socket = connect(service.port, "127.0.0.1").on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  socket.pause();
  socket.write(head);
  return socket;
}

describe.runIf(process.platform === "linux")("MCP over HTTP under load", () => {
  it("keeps what forty clients have read and left within one limit, in a heap of 192 MiB", async () => {
    const service = await startServiceIn({ NODE_OPTIONS: "--max-old-space-size=192" }, await temporaryDirectory());
    expect((await service.ask("PUT", "/v1/content/b/k", { body: Buffer.alloc(4 * MiB, 1) })).status).toBe(201);
    const before = await residentBytes(service);
    for (let client = 0; client < 40; client += 1) {
      const headers = await beginSession(service);
      for (const [id, length] of [4 * MiB, 4 * MiB, 2 * MiB].entries()) {
        const body = JSON.stringify(readResource(id + 1, "k", length));
        const { text, status } = await service.ask("POST", "/mcp", { headers, body });
        expect([status, text.length > length]).toEqual([200, true]);
      }
    }
    const grown = (await residentBytes(service)) - before;
    console.log("forty", grown / MiB);
    expect((await service.ask("GET", "/readyz")).status).toBe(200);
  });

  it("holds eight bodies that stop near their end in less than 64 MiB", async () => {
    const service = await startService(await temporaryDirectory());
    const headers = await beginSession(service);
    const before = await residentBytes(service);
    for (const size of [60, 40]) {
      const requests = Array.from({ length: 8 }, () => {
        const request = service.begin("POST", "/mcp", { ...headers, "content-length": String(size * MiB) });
        request.write(Buffer.alloc((size - 1) * MiB, 32));
        return request;
      });
      if (size === 60) {
        for (const request of requests) expect((await answerTo(request)).status).toBe(413);
      } else {
        await new Promise((resolve) => setTimeout(resolve, 5000));
        const ping = JSON.stringify(message(7, "ping"));
        expect((await service.ask("POST", "/mcp", { headers, body: ping })).status).toBe(200);
      }
      const grown = (await residentBytes(service)) - before;
      console.log("bodies", size, grown / MiB);
    }
  });

  it("answers others while it answers a hundred reads of 4 MiB", async () => {
    const service = await startService(await temporaryDirectory());
    await service.ask("PUT", "/v1/content/b/k", { body: Buffer.alloc(4 * MiB, 1) });
    const [headers, others] = [await beginSession(service), await beginSession(service)];
    const before = await residentBytes(service);
    for (const accept of [kinds.accept, "application/json"]) {
      const batch = JSON.stringify(Array.from({ length: 100 }, (_, n) => readResource(n + 1, "k", 4 * MiB)));
      const request = service.begin("POST", "/mcp", { ...headers, accept, "content-length": String(batch.length) });
      request.end(batch);
      const [response] = (await once(request, "response")) as [IncomingMessage];
      let bytes = 0;
      let isDone = false;
      response.on("data", (block: Buffer) => { bytes += block.length; });
      const ended = once(response, "end").then(() => { isDone = true; });
      let waits: number[] = [];
      let peak = 0;
      while (!isDone) {
        const began = performance.now();
        const body = JSON.stringify(message(1, "tools/call", { name: "list_buckets", arguments: {} }));
        await service.ask("POST", "/mcp", { headers: others, body });
        waits.push(performance.now() - began);
        peak = Math.max(peak, await residentBytes(service));
      }
      await ended;
      console.log(accept, bytes / MiB, Math.max(...waits), waits.length, (peak - before) / MiB);
    }
  });

  it("does not fill its memory with answers that nobody reads", async () => {
    const service = await startService(await temporaryDirectory());
    await service.ask("PUT", "/v1/content/b/k", { body: Buffer.alloc(4 * MiB, 1) });
    const before = await residentBytes(service);
    for (let client = 0; client < 20; client += 1) {
      const headers = { ...bearer, host: "localhost", ...(await beginSession(service)), accept: client % 2 ? kinds.accept : "application/json" };
      const batch = JSON.stringify(Array.from({ length: 100 }, (_, n) => readResource(n + 1, "k", 4 * MiB)));
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      stall(service, `POST /mcp HTTP/1.1\r\n${lines}content-length: ${batch.length}\r\n\r\n${batch}`);
    }
    const others = await beginSession(service);
    for (let n = 0; n < 40; n += 1) {
      const began = performance.now();
      const body = JSON.stringify(message(1, "tools/call", { name: "list_buckets", arguments: {} }));
      await service.ask("POST", "/mcp", { headers: others, body });
      console.log(performance.now() - began, (await residentBytes(service) - before) / MiB);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  });
});
