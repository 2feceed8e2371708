import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { describe, expect, it, vi } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { patience } from "../support/patience.js";
import { initialize, type RawServer, spawnRaw, toolCall } from "../support/server-process.js";

const MiB = 1024 * 1024;

/** The highest memory use of a process so far, in bytes. */
async function peakBytes(pid: number | undefined): Promise<number> {
  const [, kib] = (await readFile(`/proc/${pid}/status`, "utf8")).match(/VmHWM:\s+(\d+) kB/) ?? [];
  return Number(kib) * 1024;
}

/** A server with an artifact of 1 MiB. Its client reads nothing from here on. */
async function openUnread(): Promise<RawServer> {
  const server = spawnRaw(["--root", await temporaryDirectory(), "--log-level", "debug"]);
  server.send(initialize, toolCall(1, "save_artifact", { bucket: "b", key: "k.txt", content: "x".repeat(MiB) }));
  await server.answer(1);
  server.child.stdout.removeAllListeners("data").pause();
  return server;
}

const reads = Array.from({ length: 300 }, (_, n) =>
  toolCall(n + 2, "read_artifact", { bucket: "b", key: "k.txt", length: MiB }),
);

/** Resolves when a server that has started work has been idle for a second. */
async function idle({ stderr }: RawServer): Promise<void> {
  const calls = (): number => stderr().split("read_artifact").length - 1;
  await vi.waitFor(() => expect(calls()).toBeGreaterThan(0), patience);
  for (let before = -1; before !== calls(); ) {
    before = calls();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

describe.skipIf(!existsSync("/proc/self/status"))("memory (needs /proc)", () => {
  it("stays bounded while 300 answers of 1 MiB are not read, and then all answers arrive", async () => {
    const server = await openUnread();
    const before = await peakBytes(server.child.pid);
    server.send(...reads);
    await idle(server);
    expect((await peakBytes(server.child.pid)) - before).toBeLessThan(200 * MiB);

    const lines: string[] = [];
    for await (const line of createInterface(server.child.stdout)) {
      if (lines.push(line) === reads.length) server.child.stdin.end();
    }
    const answers = lines.map((line) => JSON.parse(line));
    expect(answers.map(({ id }) => id).sort((a, b) => a - b)).toEqual(reads.map(({ id }) => id));
    expect(answers.every(({ result }) => result.content[1].text.length === MiB)).toBe(true);
  });

  it("stays bounded for a line of 1 GiB, and this line and the next one are answered", async () => {
    const server = spawnRaw(["--root", await temporaryDirectory()]);
    server.send(initialize);
    await server.answer(0);
    const before = await peakBytes(server.child.pid);
    const { stdin } = server.child;
    const piece = Buffer.alloc(4 * MiB, "x");
    stdin.write('{"jsonrpc":"2.0","method":"tools/call","params":{"name":"');
    for (let n = 0; n < 256; n += 1) {
      if (!stdin.write(piece)) await once(stdin, "drain");
    }
    stdin.write('"},"id":1}\n');
    server.send({ id: 2, method: "ping" });
    expect(await server.answer(2)).toMatchObject({ result: {} });
    expect(await server.answer(1)).toMatchObject({ error: { code: -32600 } });
    expect((await peakBytes(server.child.pid)) - before).toBeLessThan(300 * MiB);
  });
});

/** The structured content of a tool's answer. */
async function structured(server: RawServer, id: number): Promise<Record<string, unknown>> {
  const { result } = await server.answer(id);
  return result?.["structuredContent"] as Record<string, unknown>;
}

/** Reads three artifacts as resources, all at once. */
async function readBack(server: RawServer, uploads: readonly { chunks: readonly Buffer[] }[]): Promise<void> {
  const read = (id: number, key = "") => ({ id, method: "resources/read", params: { uri: `artifact://b/${key}` } });
  server.send(...Array.from({ length: 9 }, (_, n) => read(200 + n, ["a", "b", "c"][n % 3])));
  for (let n = 0; n < 9; n += 1) {
    const { result = {} } = await server.answer(200 + n);
    const [content] = result["contents"] as { blob: string }[];
    expect(Buffer.from(content?.blob ?? "", "base64").equals(Buffer.concat(uploads[n % 3]?.chunks ?? []))).toBe(true);
  }
}

describe("chunks of many sizes", () => {
  it("are stored unchanged, in several sessions and calls at once, as base64 and as text", async () => {
    const server = spawnRaw(["--root", await temporaryDirectory()]);
    const bucket = "b";
    const create = (key: string, n: number) => toolCall(n + 1, "create_upload_session", { bucket, key });
    server.send(initialize, ...["a", "b", "c"].map(create));
    const calls: object[] = [];
    const uploads = [];
    for (const n of [0, 1, 2]) {
      const { id } = await structured(server, n + 1);
      const chunks = Array.from({ length: 12 }, (_, at) => {
        const bytes = randomBytes(1 + ((at * 7919 + n * 104_729) % 300_000));
        return at % 5 === 4 ? Buffer.from(bytes.toString("hex")) : bytes;
      });
      uploads.push({ id, chunks, sha256: createHash("sha256").update(Buffer.concat(chunks)).digest("hex") });
    }
    for (let at = 0; at < 12; at += 1) {
      for (const [n, { id, chunks }] of uploads.entries()) {
        const offset = chunks.slice(0, at).reduce((sum, chunk) => sum + chunk.length, 0);
        const encoding = at % 5 === 4 ? "utf8" : "base64";
        const data = chunks[at]?.toString(encoding);
        calls.push(toolCall(100 + at * 3 + n, "upload_chunk", { session_id: id, offset, data, encoding }));
      }
    }
    for (const [n, { id: session_id, sha256 }] of uploads.entries()) {
      calls.push(toolCall(10 + n, "complete_upload_session", { session_id, sha256 }));
    }
    server.send(...calls);
    for (const n of [0, 1, 2]) {
      expect(await structured(server, 10 + n)).toMatchObject({
        status: "complete",
        artifact: { sha256: uploads[n]?.sha256 },
      });
    }
    await readBack(server, uploads);
  });
});

describe("a client that never reads", () => {
  it("does not stop the process from ending on SIGTERM", async () => {
    const server = await openUnread();
    server.send(...reads);
    await idle(server);
    const exited = once(server.child, "exit");
    server.child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
    expect(server.stderr()).toContain("answers_not_taken");
  });
});
