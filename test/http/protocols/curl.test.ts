import { execFile, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../support/directories.js";
import { serveHttp } from "../../support/http-client.js";
import { textOf } from "../../support/stores.js";

/** The commands that the server answers are run by the real curl in a shell, as a model runs them. */
const missing = whyNotHere();

function whyNotHere(): string | undefined {
  const { status, stdout } = spawnSync("curl", ["--version"], { encoding: "utf8" });
  if (status !== 0) return "needs curl";
  const [, major = 0, minor = 0] = (/^curl (\d+)\.(\d+)/.exec(stdout) ?? []).map(Number);
  if (major < 7 || (major === 7 && minor < 76)) return "needs curl 7.76, which knows --fail-with-body";
  return process.platform === "win32" ? "needs a POSIX shell" : undefined;
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runInShell(command: string): Promise<Ran> {
  return new Promise((resolve) => {
    execFile("sh", ["-c", command], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function begun(upload: object, stored = "") {
  const client = await serveHttp();
  const folder = await temporaryDirectory();
  const body = JSON.stringify({ bucket: "b", key: "k.txt", ...upload });
  const created = (await client.ask("POST", "/v1/artifacts", { body })).json as { url: string; command: string };
  if (stored !== "") await client.askAsStranger("POST", created.url, { body: stored });
  const { command } = (await client.askAsStranger("GET", created.url)).json as { command: string };
  if (stored === "") expect(command).toBe(created.command);
  const send = async (content: string, how = command): Promise<Ran> => {
    const path = join(folder, "a file.txt");
    await writeFile(path, content);
    return runInShell(how.replace("FILE", `"${path}"`));
  };
  const published = () => textOf(client.store, "b", "k.txt");
  const state = async () => (await client.askAsStranger("GET", created.url)).json;
  return { ...client, ...created, send, published, state };
}

describe.skipIf(missing !== undefined)(`the command of a session${missing ? ` (${missing})` : ""}`, () => {
  it.each([
    ["of a declared size", { size: 11 }, "", "hello world"],
    ["without a size", {}, "", "hello world"],
    ["of a declared size, with a part stored", { size: 11 }, "hello", "hello world"],
    ["without a size, with a part stored", {}, "hello", "hello world"],
    ["without a size, with everything stored", {}, "hello world", "hello world"],
    ["without a size, of an empty file", {}, "", ""],
  ])("%s publishes the file and answers the artifact, also when it is repeated", async (_, upload, stored, content) => {
    const { send, published } = await begun(upload, stored);
    for (let time = 0; time < 2; time += 1) {
      const { code, stdout, stderr } = await send(content);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ bucket: "b", key: "k.txt", version: 1, bytes: content.length });
    }
    expect(await published()).toBe(content);
  });

  it("shows its progress", async () => {
    const { send } = await begun({});
    expect((await send("x".repeat(1_000_000))).stderr).toMatch(/% Total[\s\S]*100/);
  });

  it.each([
    [
      "begins differently",
      "PK345678",
      "name,size\n1,2\n",
      / differ from what is stored, from byte 0 on, .* This may be another file /,
    ],
    [
      "continues differently",
      "name,siz",
      "name,color\n",
      / differ from what is stored, from byte 5 on, .* This may be another file /,
    ],
    [
      "is shorter than the stored bytes",
      "name,size",
      "name",
      /ends at byte 4, and 9 bytes are stored.* This may be another file /,
    ],
  ])("fails for another file that %s, says what to do, and publishes nothing", async (_, stored, content, why) => {
    const { send, state, ask } = await begun({}, stored);
    const { code, stdout } = await send(content);
    expect(code).toBe(22);
    const { detail } = JSON.parse(stdout) as { detail: string };
    expect(detail).toMatch(why);
    expect(detail).toMatch(
      /If it is another file, DELETE the session's url, .* Only if it is the same content, continue with /,
    );
    expect(await state()).toMatchObject({ status: "open", offset: stored.length });
    expect((await ask("GET", "/v1/artifacts/b/k.txt")).status).toBe(404);
  });

  it.each([
    ["short", "hello", 409, /^5 of 11 bytes are stored\./],
    ["long", "hello world!", 413, /past the declared size of 11 bytes/],
  ])("of a declared size fails if the file is too %s, and says what to do", async (_, content, status, why) => {
    const { send } = await begun({ size: 11 });
    const { code, stdout } = await send(content);
    expect(code).toBe(22);
    const problem = JSON.parse(stdout) as { detail: string };
    expect(problem).toMatchObject({ status });
    expect(problem.detail).toMatch(why);
  });

  it("with -C, which sessions with many bytes get, sends only the rest and publishes", async () => {
    const { url, send, published } = await begun({}, "hello");
    const { code, stderr } = await send("hello world", `curl --fail-with-body -C 5 -T FILE "${url}"`);
    expect(code, stderr).toBe(0);
    expect(await published()).toBe("hello world");
  });

  it("publishes the output of a pipe, whose length is unknown", async () => {
    const { command, published } = await begun({});
    const { code } = await runInShell(`printf 'from a pipe' | ${command.replace("FILE", "-")}`);
    expect(code).toBe(0);
    expect(await published()).toBe("from a pipe");
  });

  it("fails for an aborted session", async () => {
    const { send, url, ask } = await begun({});
    await ask("DELETE", url);
    const { code, stdout } = await send("hello");
    expect(code).toBe(22);
    expect(JSON.parse(stdout)).toMatchObject({ code: "session_closed" });
  });
});
