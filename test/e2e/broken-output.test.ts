import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runCommand } from "../support/command.js";
import { temporaryDirectory } from "../support/directories.js";
import { startService } from "../support/http-process.js";
import { patience } from "../support/patience.js";
import { builtServer, initialize, spawnRaw, startServerUnder, toolCall } from "../support/server-process.js";

/** Whether there is a device where every write fails with ENOSPC. */
const hasFullDevice = existsSync("/dev/full");
const debug = ["--log-level", "debug"];
const item = { bucket: "b", key: "k", content: "x" };

/** Runs the built command with a redirection of the shell. */
function redirected(redirection: string, ...args: string[]) {
  const words = ["-c", `exec "$0" "$@" ${redirection}`, process.execPath, builtServer, ...args];
  return spawnSync("sh", words, { encoding: "utf8", input: "", ...patience });
}

describe("a server whose stderr fails keeps working", () => {
  it.skipIf(!hasFullDevice)("when the disk of its log is full (needs /dev/full)", async () => {
    const wrapper = ["sh", "-c", 'exec "$@" 2>/dev/full', "sh"];
    const server = await startServerUnder(wrapper, await temporaryDirectory(), ...debug);
    for (const key of ["one", "two"]) {
      expect(await server.call("save_artifact", { ...item, key })).toMatchObject({ key, version: 1 });
    }
  });

  it("when the reader of its log has ended", async () => {
    const server = spawnRaw(["--root", await temporaryDirectory(), ...debug]);
    server.send(initialize);
    await server.answer(0);
    server.child.stderr.destroy();
    for (const id of [1, 2, 3]) {
      server.send(toolCall(id, "save_artifact", { ...item, key: `k${id}` }));
      expect((await server.answer(id)).result).toMatchObject({ structuredContent: { key: `k${id}` } });
    }
    server.child.stdin.end();
    expect(await server.exited).toBe(0);
  });

  it("when the reader of its log has ended, over HTTP, until it is stopped", async () => {
    const service = await startService(await temporaryDirectory(), 0, ...debug);
    service.child.stderr.destroy();
    for (const key of ["one", "two"]) {
      expect((await service.ask("PUT", `/v1/content/b/${key}`, { body: "x" })).status).toBe(201);
    }
    service.child.kill("SIGTERM");
    expect(await service.exited).toBe(0);
  });

  it.skipIf(!hasFullDevice)("and reports by its exit code that it cannot start (needs /dev/full)", () => {
    expect(redirected("2>/dev/full", "--no-such-option").status).toBe(2);
    expect(redirected("2>/dev/full", "--root", "/dev/full/store").status).toBe(1);
  });
});

describe.skipIf(!hasFullDevice)("a command whose stdout fails (needs /dev/full)", () => {
  it.each(["verify", "--help", "--version", "doctor", "setup cursor"])(
    "%s says so in one line, exit 2",
    async (words) => {
      const root = await temporaryDirectory();
      expect(runCommand(["--root", root]).status).toBe(0);
      const args = words.startsWith("-") ? [words] : [...words.split(" "), "--root", root];
      const { status, stderr } = redirected(">/dev/full", ...args);
      expect(stderr).toMatch(/^artifacts-mcp: stdout cannot be written to \(ENOSPC[^\n]*\n$/);
      expect(status).toBe(2);
      expect(redirected(">/dev/full 2>/dev/full", ...args).status).toBe(2);
    },
  );
});
