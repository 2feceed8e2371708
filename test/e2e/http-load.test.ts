import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { answerTo, bearer } from "../support/http-client.js";
import { type HttpProcess, startService } from "../support/http-process.js";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function uploadUrl(service: HttpProcess, key: string, size: number): Promise<string> {
  const { json } = await service.ask("POST", "/v1/artifacts", { body: JSON.stringify({ bucket: "b", key, size }) });
  return json["url"] as string;
}

describe("a service under load", () => {
  it("accepts 100 uploads at once", async () => {
    const service = await startService(await temporaryDirectory());
    const uploads = Array.from({ length: 100 }, (_, at) => ({ key: `k${at}`, content: randomBytes(1_000_000 + at) }));
    await Promise.all(
      uploads.map(async ({ key, content }) => {
        const url = await uploadUrl(service, key, content.length);
        const half = Math.floor(content.length / 2);
        const headers = { "content-length": String(content.length) };
        const broken = service.begin("PUT", url, headers);
        broken.write(content.subarray(0, half));
        await expect.poll(async () => (await service.ask("GET", url)).json["offset"]).toBe(half);
        broken.destroy();
        const { json } = await service.ask("POST", url, {
          body: content.subarray(half),
          headers: { "upload-offset": String(half) },
        });
        expect(json).toMatchObject({ bytes: content.length, sha256: sha256(content) });
      }),
    );
  });

  it("answers thousands of requests on kept connections", async () => {
    const service = await startService(await temporaryDirectory());
    await service.ask("PUT", "/v1/content/b/k", { body: "hello" });
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    onTestFinished(() => agent.destroy());
    const url = new URL("/v1/artifacts/b/k", service.origin);
    const ask = async () => (await answerTo(httpRequest(url, { agent, headers: bearer }).end())).status;
    for (let sent = 0; sent < 10_000; sent += 500) {
      const statuses = await Promise.all(Array.from({ length: 500 }, ask));
      expect(new Set(statuses)).toEqual(new Set([200]));
    }
  });

  it("accepts an upload while 500 other clients send their heads byte by byte", async () => {
    const service = await startService(await temporaryDirectory());
    const sockets: Socket[] = [];
    onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
    for (let at = 0; at < 500; at += 1) {
      const socket = connect(service.port, "127.0.0.1").on("error", () => undefined);
      await once(socket, "connect");
      socket.write("POST /v1/artifacts HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
      sockets.push(socket);
    }
    const dribble = setInterval(() => sockets.forEach((socket) => void socket.write("x")), 200);
    onTestFinished(() => clearInterval(dribble));
    const content = randomBytes(20_000_000);
    const url = await uploadUrl(service, "k", content.length);
    const { json } = await service.ask("PUT", url, { body: content });
    expect(json).toMatchObject({ sha256: sha256(content) });
    // Each client has ten seconds to send its head.
    await Promise.all(
      sockets.map((socket) => socket.destroyed || new Promise((resolve) => socket.on("close", resolve))),
    );
    expect((await service.ask("GET", "/readyz")).status).toBe(200);
  });
});
