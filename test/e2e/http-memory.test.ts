import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { bearer } from "../support/http-client.js";
import { type HttpProcess, startService } from "../support/http-process.js";

/* What clients that do not read may take of a server. Linux says it under /proc. */

const isLinux = process.platform === "linux";
const MiB = 1024 * 1024;
const request = `GET /v1/content/b/k HTTP/1.1\r\nhost: localhost\r\nauthorization: ${bearer.authorization}\r\n\r\n`;

async function residentBytes({ child }: HttpProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function descriptors({ child }: HttpProcess): Promise<number> {
  return (await readdir(`/proc/${child.pid}/fd`)).length;
}

/** Opens a connection and sends `text`. The client reads only the first bytes of the answer. */
async function stalled({ port }: HttpProcess, text: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.write(text);
  await once(socket, "data");
  socket.pause();
  return socket;
}

async function served(): Promise<HttpProcess> {
  const service = await startService(await temporaryDirectory());
  const body = Buffer.alloc(8 * MiB, "content ");
  expect((await service.ask("PUT", "/v1/content/b/k", { body })).status).toBe(201);
  for (let n = 0; n < 5; n += 1) expect((await service.ask("GET", "/v1/content/b/k")).bytes.length).toBe(body.length);
  return service;
}

it.runIf(isLinux)(
  "200 downloads that no client reads take less than 64 MiB, and end with their connections",
  async () => {
    const service = await served();
    const [idleBytes, idleDescriptors] = [await residentBytes(service), await descriptors(service)];
    const sockets: Socket[] = [];
    for (let n = 0; n < 200; n += 1) sockets.push(await stalled(service, request));
    expect(((await residentBytes(service)) - idleBytes) / MiB).toBeLessThan(64);
    expect((await service.ask("GET", "/healthz")).status).toBe(200);
    expect((await service.ask("GET", "/v1/content/b/k")).bytes.length).toBe(8 * MiB);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => descriptors(service)).toBeLessThan(idleDescriptors + 10);
  },
);

it.runIf(isLinux)(
  "pipelined downloads that no client reads take as much memory as one, and do not delay the end",
  async () => {
    const service = await served();
    const [idleBytes, idleDescriptors] = [await residentBytes(service), await descriptors(service)];
    const sockets: Socket[] = [];
    for (let n = 0; n < 4; n += 1) sockets.push(await stalled(service, request.repeat(250)));
    expect(((await residentBytes(service)) - idleBytes) / MiB).toBeLessThan(64);
    expect(await descriptors(service)).toBeLessThan(idleDescriptors + 30);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => descriptors(service)).toBeLessThan(idleDescriptors + 10);
    service.child.kill("SIGTERM");
    expect(await service.exited).toBe(0);
  },
);
