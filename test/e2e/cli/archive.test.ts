import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { expectRefusal, runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { canMount, command, memoryDisk, needsMounts } from "../../support/disks.js";
import { callOf, endOf, startEphemeral } from "../../support/ephemeral-server.js";
import { sha256Of } from "../../support/mcp-client.js";
import { patience } from "../../support/patience.js";
import { builtServer, startServer } from "../../support/server-process.js";

let place: string;
/** A folder for temporary files. */
let temporary: string;
const at = (name: string): string => join(place, name);

beforeEach(async () => {
  place = await temporaryDirectory();
  temporary = at("tmp");
  await mkdir(temporary);
});

/** The digest of every file below a directory, by its name. */
async function filesIn(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const names = entries.filter((each) => !each.isDirectory()).map((each) => join(each.parentPath, each.name));
  const found = names
    .sort()
    .map(async (name) => [name.slice(path.length + 1), sha256Of(await readFile(name))] as const);
  return Object.fromEntries(await Promise.all(found));
}

/** Starts a command, and ends it with a signal after some time, unless it has ended before. Returns its exit code. */
async function runEnded(signal: NodeJS.Signals, afterMs: number, args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [builtServer, ...args], { stdio: "ignore" });
  const timer = setTimeout(() => child.kill(signal), afterMs);
  const [code] = await once(child, "close");
  clearTimeout(timer);
  return code as number | null;
}

/** Runs a command beside others. */
async function runBeside(args: readonly string[], user: { readonly uid?: number; readonly gid?: number } = {}) {
  const child = spawn(process.execPath, [builtServer, ...args], { stdio: ["ignore", "ignore", "pipe"], ...user });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code: code as number | null, stderr };
}

/** A store with small artifacts and some of several megabytes. */
async function fillStore(root: string): Promise<void> {
  const server = await startServer(root);
  for (let n = 0; n < 30; n += 1) {
    const [bucket, key] = [`b${n % 3}`, n % 5 === 0 ? `odd:name ${n}` : `dir${n % 4}/file ${n}.txt`];
    for (const content of [`first ${n}`, `content ${n}`]) {
      const answer = await server.call("save_artifact", { bucket, key, content, metadata: { n: String(n), é: "x" } });
      expect(answer.error).toBeUndefined();
    }
  }
  for (const name of ["one", "two"]) {
    await server.call("save_artifact", { bucket: "large", key: `${name}.bin`, content: name.repeat(1_500_000) });
  }
  await server.close();
}

describe("export and import", () => {
  it("are inverse, byte by byte, with versions, types and metadata", async () => {
    await fillStore(at("store"));
    const exported = runCommand(["export", at("out"), "--root", at("store")]);
    expect(exported).toEqual({ status: 0, stdout: `Exported 32 artifacts to ${at("out")}.\n`, stderr: "" });
    const imported = runCommand(["import", at("out"), "--root", at("other"), "--json"]);
    expect(JSON.parse(imported.stdout)).toMatchObject({ artifacts: 32, saved: 32, already_saved: 0, failed: [] });
    expect(runCommand(["export", at("out2"), "--root", at("other")])).toMatchObject({ status: 0 });
    expect(await filesIn(at("out2"))).toEqual(await filesIn(at("out")));
    expect(runCommand(["import", at("out"), "--root", at("other")]).stdout).toContain("32 of them saved already");
    const { artifacts } = JSON.parse(await readFile(at("out/manifest.json"), "utf8"));
    expect(artifacts).toContainEqual({
      bucket: "b0",
      key: "dir1/file 21.txt",
      version: 2,
      bytes: 10,
      sha256: sha256Of("content 21"),
      mime_type: "text/plain",
      metadata: { n: "21", é: "x" },
    });
  });

  it("say in one line what is wrong with the command line, an address or a directory", async () => {
    await fillStore(at("store"));
    const refused = (status: number, words: readonly string[], ...parts: string[]): void =>
      expectRefusal(runCommand([...words, "--root", at("store")]), status, ...parts);
    refused(2, ["export"], "export DIR [BUCKET[/PREFIX]]");
    refused(2, ["export", at("out"), "b0/k@3"], "newest");
    refused(2, ["import"], "import DIR");
    refused(1, ["export", at("out"), "b00"], 'no bucket "b00"');
    refused(1, ["export", at("out"), "b0/nothing"], '"nothing"');
    refused(1, ["export", at("no/out")], "Make it first");
    refused(1, ["export", place], "neither empty nor an earlier export");
    refused(1, ["export", at("store/out")], "the store's own data");
    refused(1, ["import", at("out")], "There is no directory");
    expect(existsSync(at("out"))).toBe(false);
    await mkdir(at("in"));
    await writeFile(
      at("in/manifest.json"),
      '{\n"format": "artifacts-mcp-export/1",\n"artifacts": [\n{"bucket":"b"}\n]\n}\n',
    );
    refused(1, ["import", at("in")], "artifacts[0].key");
    expectRefusal(runCommand(["export", at("out"), "--root", at("none")]), 1, "no store");
  });

  it("name each file that cannot be imported, go on with the others, and end with 1 and a count", async () => {
    await fillStore(at("store"));
    runCommand(["export", at("out"), "--root", at("store")]);
    await writeFile(at("out/b1/dir0/file 4.txt"), "changed");
    await writeFile(at("out/large/one.bin"), "x".repeat(4_500_000));
    const { status, stdout, stderr } = runCommand(["import", at("out"), "--root", at("other")]);
    expect(status).toBe(1);
    expect(stdout).toContain("Imported 30 artifacts");
    expect(stderr.split("\n").sort().slice(1)).toEqual([
      expect.stringMatching(/^artifacts-mcp: "b1\/dir0\/file 4\.txt": The content of .* is not that of the manifest/),
      expect.stringMatching(/^artifacts-mcp: "large\/one\.bin": The content of .* is not that of the manifest/),
      "artifacts-mcp: 2 artifacts of 32 could not be imported",
    ]);
    expect(runCommand(["verify", "--root", at("other")])).toMatchObject({ status: 0 });
  });

  it("write to a directory one at a time: it is always whole, and the others are refused in one line", async () => {
    const counts = [30, 3, 12, 21];
    for (const count of counts) {
      const server = await startServer(at(`store ${count}`));
      for (let n = 0; n < count; n += 1) {
        const answer = await server.call("save_artifact", { bucket: `b${count}`, key: `k${n}`, content: `text ${n}` });
        expect(answer.error).toBeUndefined();
      }
      await server.close();
    }
    for (let round = 0; round < 3; round += 1) {
      const ran = await Promise.all(
        counts.map((count) => runBeside(["export", at("out"), "--delete", "--root", at(`store ${count}`)])),
      );
      for (const { code, stderr } of ran) {
        expect([0, 1]).toContain(code);
        expect(stderr).toMatch(code === 0 ? /^$/ : /^artifacts-mcp: (?:Another export is writing to )[^\n]+\n$/);
      }
      expect(ran.map(({ code }) => code)).toContain(0);
      const { artifacts } = JSON.parse(await readFile(at("out/manifest.json"), "utf8"));
      const names = artifacts.map(({ bucket, key }: { bucket: string; key: string }) => `${bucket}/${key}`);
      expect(counts).toContain(names.length);
      expect(Object.keys(await filesIn(at("out")))).toEqual([...names, "manifest.json"].sort());
    }
  });

  it.skipIf(!canMount)(`end at once when the disk is full, with one line that names it ${needsMounts}`, async () => {
    await fillStore(at("store"));
    const disk = await memoryDisk(2 ** 20);
    const place = join(disk.path, "out");
    const exporting = ["export", place, "--root", at("store")];
    expectRefusal(runCommand(exporting), 1, `The disk of "${place}" is full`, "Make room there");
    command("mount", "-o", "remount,size=32M", disk.path);
    expect(runCommand(exporting)).toMatchObject({ status: 0, stderr: "" });
    expect(Object.keys(await filesIn(place))).toHaveLength(33);
  });

  it.skipIf(!canMount)(`say which directory cannot be read ${needsMounts}`, async () => {
    await fillStore(at("store"));
    runCommand(["export", at("out"), "--root", at("store")]);
    await mkdir(at("out/closed"), { mode: 0o700 });
    command("chmod", "755", place);
    command("chown", "-R", "54321:54321", at("out"), at("store"));
    command("chown", "0:0", at("out/closed"));
    const ran = await runBeside(["export", at("out"), "--root", at("store")], { uid: 54_321, gid: 54_321 });
    expect(ran.stderr).toMatch(/^artifacts-mcp: The directory "[^"]*\/closed" cannot be read[^\n]*\n$/);
    expect(ran.code).toBe(1);
  });

  it("end in the same bytes after any number of kills", async () => {
    await fillStore(at("store"));
    runCommand(["export", at("out"), "--root", at("store")]);
    const whole = await filesIn(at("out"));
    const codes: (number | null)[] = [];
    for (let afterMs = 150; afterMs < 900; afterMs += 50) {
      const signal = afterMs % 200 === 0 ? "SIGTERM" : "SIGKILL";
      codes.push(await runEnded(signal, afterMs, ["export", at("killed"), "--root", at("store")]));
      if (existsSync(at("killed/manifest.json"))) expect(await filesIn(at("killed"))).toMatchObject(whole);
    }
    expect(runCommand(["export", at("killed"), "--root", at("store")])).toMatchObject({ status: 0, stderr: "" });
    expect(await filesIn(at("killed"))).toEqual(whole);
    for (let afterMs = 150; afterMs < 900; afterMs += 50) {
      codes.push(await runEnded("SIGKILL", afterMs, ["import", at("out"), "--root", at("other")]));
    }
    expect(runCommand(["import", at("out"), "--root", at("other")])).toMatchObject({ status: 0, stderr: "" });
    expect(runCommand(["verify", "--root", at("other")])).toMatchObject({ status: 0 });
    expect(runCommand(["export", at("again"), "--root", at("other")])).toMatchObject({ status: 0 });
    expect(await filesIn(at("again"))).toEqual(whole);
    expect(codes).toContain(null);
    for (const code of codes) expect([0, 130, null]).toContain(code);
  });
});

describe("--ephemeral", () => {
  const kept = ["--keep-to", "kept"] as const;
  const save = { bucket: "b", key: "k.txt", content: "text" };

  it.each([undefined, "SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "exports the store and removes it at its end by %s",
    async (signal) => {
      const server = await startEphemeral(temporary, kept[0], at("kept"));
      const [name = ""] = await readdir(temporary);
      expect(name).toMatch(/^artifacts-mcp-ephemeral-/);
      await callOf(server, 1, "save_artifact", save);
      const { id } = await callOf(server, 2, "create_upload_session", { bucket: "b", key: "unfinished" });
      await callOf(server, 3, "upload_chunk", { session_id: id, offset: 0, data: "x".repeat(100_000) });
      server.send({
        id: 4,
        method: "tools/call",
        params: { name: "save_artifact", arguments: { ...save, key: "last" } },
      });
      if (signal !== undefined) await server.answer(4);
      expect(await endOf(server, signal)).toBe(0);
      expect(await readdir(temporary)).toEqual([]);
      expect(Object.keys(await filesIn(at("kept")))).toEqual(["b/k.txt", "b/last", "manifest.json"]);
      expect(server.stderr()).toContain('uploads_left_out {"uploads":1}');
    },
  );

  it("replaces the export of an earlier run, so that equal runs export equal bytes", async () => {
    const before = await startEphemeral(temporary, kept[0], at("run 0"));
    await callOf(before, 1, "save_artifact", { bucket: "old", key: "only here", content: "text" });
    await endOf(before);
    for (let run = 0; run < 10; run += 1) {
      const server = await startEphemeral(temporary, kept[0], at(`run ${run}`));
      const names = run % 2 === 0 ? { a: "1", z: "2" } : { z: "2", a: "1" };
      await callOf(server, 1, "save_artifact", { ...save, metadata: names });
      const session = await callOf(server, 2, "create_upload_session", { bucket: "b", key: "Dir/big" });
      for (const part of [0, 1]) {
        const chunk = { session_id: session.id, offset: part * 200_000, data: String(part).repeat(200_000) };
        await callOf(server, 3 + part, "upload_chunk", chunk);
      }
      await callOf(server, 5, "complete_upload_session", { session_id: session.id });
      await callOf(server, 6, "save_artifact", { bucket: "b", key: "dir/BIG", content: "other" });
      await endOf(server);
    }
    const first = await filesIn(at("run 0"));
    expect(Object.keys(first)).toHaveLength(4);
    for (let run = 1; run < 10; run += 1) expect(await filesIn(at(`run ${run}`))).toEqual(first);
  });

  it("leaves the export of an earlier run alone if it saves nothing", async () => {
    const first = await startEphemeral(temporary, kept[0], at("kept"));
    expect(await endOf(first)).toBe(0);
    expect(Object.keys(await filesIn(at("kept")))).toEqual(["manifest.json"]); // it was empty
    const saving = await startEphemeral(temporary, kept[0], at("kept"));
    await callOf(saving, 1, "save_artifact", save);
    expect(await endOf(saving)).toBe(0);
    const probe = await startEphemeral(temporary, kept[0], at("kept"));
    expect(await endOf(probe)).toBe(0);
    expect(probe.stderr()).toContain("export_left");
    expect(Object.keys(await filesIn(at("kept")))).toEqual(["b/k.txt", "manifest.json"]);
    const deleting = await startEphemeral(temporary, kept[0], at("kept"));
    await callOf(deleting, 1, "save_artifact", save);
    await callOf(deleting, 2, "delete_artifact", { bucket: "b", key: "k.txt" });
    expect(await endOf(deleting)).toBe(0);
    expect(Object.keys(await filesIn(at("kept")))).toEqual(["manifest.json"]);
    expect(await readdir(temporary)).toEqual([]);
  });

  it("loses nothing if several runs export to one directory: one does, the others keep their stores and say where", async () => {
    const servers = await Promise.all([1, 2, 3].map(() => startEphemeral(temporary, kept[0], at("kept"))));
    await Promise.all(
      servers.map(async (server, n) => {
        for (let each = 0; each < 5; each += 1) {
          await callOf(server, each + 1, "save_artifact", { bucket: `b${n}`, key: `k${each}`, content: "text" });
        }
      }),
    );
    const codes = await Promise.all(servers.map((server) => endOf(server)));
    expect([...codes].sort()).toEqual([0, 1, 1]);
    for (const [n, server] of servers.entries()) {
      const names = [0, 1, 2, 3, 4].map((each) => `b${n}/k${each}`);
      const [, root = ""] = /^artifacts-mcp: The store is kept in (.*): .* export /m.exec(server.stderr()) ?? [];
      const path = codes[n] === 0 ? at("kept") : at(`saved ${n}`);
      if (codes[n] !== 0) expect(runCommand(["export", path, "--root", root])).toMatchObject({ status: 0 });
      expect(Object.keys(await filesIn(path))).toEqual([...names, "manifest.json"]);
    }
  });

  it.skipIf(!canMount)(`is refused in one line where there is no room, and leaves nothing ${needsMounts}`, async () => {
    const disk = await memoryDisk(2 ** 16);
    for (const rounds of [1, 2]) {
      await writeFile(join(disk.path, "filler"), Buffer.alloc(2 ** 16 * rounds)).catch(() => undefined);
      const ran = runCommand(["--ephemeral", "--keep-to", at("kept")], { TMPDIR: disk.path });
      expectRefusal(ran, 1, "TMPDIR", disk.path);
      expect(await readdir(disk.path)).toEqual(["filler"]);
    }
    for (const inodes of [3, 4]) {
      await rm(join(disk.path, "filler"), { force: true });
      command("mount", "-o", `remount,nr_inodes=${inodes}`, disk.path);
      const ran = runCommand(["--ephemeral", "--keep-to", at("kept")], { TMPDIR: disk.path });
      expectRefusal(ran, 1, disk.path);
      expect(await readdir(disk.path)).toEqual([]);
    }
    await mkdir(join(temporary, "artifacts-mcp-ephemeral-without"));
    await writeFile(join(temporary, "artifacts-mcp-ephemeral-without/kept-for"), "");
    const server = await startEphemeral(temporary);
    await server.heard(/leftover_removed/);
    await endOf(server);
    expect(await readdir(temporary)).toEqual([]);
  });

  it("keeps the store if the export fails, says where, and ends with 1", async () => {
    const server = await startEphemeral(temporary, kept[0], at("kept"));
    await callOf(server, 1, "save_artifact", save);
    await writeFile(at("kept"), "something else came here");
    expect(await endOf(server)).toBe(1);
    const [, root = ""] = /^artifacts-mcp: The store is kept in (.*): .* export /m.exec(server.stderr()) ?? [];
    const next = await startEphemeral(temporary); // does not remove it
    await next.heard(/ephemeral_store_left/);
    await endOf(next);
    expect(runCommand(["export", at("saved"), "--root", root])).toMatchObject({ status: 0 });
    expect(Object.keys(await filesIn(at("saved")))).toEqual(["b/k.txt", "manifest.json"]);
  });

  it("removes the store of a killed server at the next start, and never that of a living one", async () => {
    const [dead, living] = [await startEphemeral(temporary), await startEphemeral(temporary)];
    await callOf(living, 1, "save_artifact", save);
    const names = await readdir(temporary);
    expect(await endOf(dead, "SIGKILL")).toBe(null);
    const next = await startEphemeral(temporary);
    const [, removed] = await next.heard(/leftover_removed \{"path":"[^"]*\/(artifacts-mcp-ephemeral-\w+)"/);
    expect(names).toContain(removed);
    expect(await callOf(living, 2, "get_artifact", { bucket: "b", key: "k.txt" })).toMatchObject({ version: 1 });
    await endOf(next);
    await endOf(living);
    expect(await readdir(temporary)).toEqual([]);
  });

  it("is one of many that start and end at once, and none removes the store of another", async () => {
    const servers = await Promise.all(Array.from({ length: 16 }, () => startEphemeral(temporary)));
    await Promise.all(servers.map((server) => callOf(server, 1, "save_artifact", save)));
    const others = servers.splice(0, 8);
    for (const server of others.slice(0, 4)) server.child.kill("SIGKILL");
    servers.push(...(await Promise.all(Array.from({ length: 8 }, () => startEphemeral(temporary)))));
    await Promise.all(others.map((server) => endOf(server)));
    for (const server of servers.slice(0, 8)) {
      expect(await callOf(server, 2, "get_artifact", { bucket: "b", key: "k.txt" })).toMatchObject({ version: 1 });
      await callOf(server, 3, "save_artifact", { ...save, content: "more" });
    }
    expect(await Promise.all(servers.map((server) => endOf(server)))).toEqual(servers.map(() => 0));
    const last = await startEphemeral(temporary);
    await vi.waitFor(async () => expect(await readdir(temporary)).toHaveLength(1), patience);
    await endOf(last);
    expect(await readdir(temporary)).toEqual([]);
  });

  it("keeps the store of a killed server that was to export it, and says where it is", async () => {
    const dead = await startEphemeral(temporary, kept[0], at("kept"));
    await callOf(dead, 1, "save_artifact", save);
    await endOf(dead, "SIGKILL");
    const next = await startEphemeral(temporary);
    const [, root = ""] = await next.heard(/ephemeral_store_left .*"root":"([^"]*)"/);
    await endOf(next);
    expect(runCommand(["export", at("kept"), "--root", root])).toMatchObject({ status: 0 });
    expect(Object.keys(await filesIn(at("kept")))).toEqual(["b/k.txt", "manifest.json"]);
  });

  it("leaves what is not its own in the folder for temporary files", async () => {
    const [file, link] = [
      join(temporary, "artifacts-mcp-ephemeral-file"),
      join(temporary, "artifacts-mcp-ephemeral-link"),
    ];
    await writeFile(file, "text");
    await mkdir(at("elsewhere"));
    await writeFile(at("elsewhere/precious"), "text");
    await symlink(at("elsewhere"), link);
    const server = await startEphemeral(temporary);
    const other = await startEphemeral(temporary);
    await endOf(server);
    await endOf(other);
    expect((await readdir(temporary)).sort()).toEqual(["artifacts-mcp-ephemeral-file", "artifacts-mcp-ephemeral-link"]);
    expect(existsSync(at("elsewhere/precious"))).toBe(true);
  });

  it("is refused where it cannot do its work, and leaves nothing", async () => {
    await mkdir(at("other"));
    await writeFile(at("other/file"), "text");
    const run = (...args: string[]) => runCommand(args, { TMPDIR: temporary });
    expectRefusal(run("--ephemeral", "--root", at("store")), 2, "--root");
    expectRefusal(run("--ephemeral", "--read-only"), 2, "--read-only");
    expectRefusal(run("--keep-to", at("kept")), 2, "--ephemeral");
    expectRefusal(run("--ephemeral", "--keep-to", at("other")), 2, "--keep-to", "neither empty nor an earlier export");
    expectRefusal(run("--ephemeral", "--keep-to", at("no/kept")), 2, "--keep-to", "Make it first");
    const taken = runCommand(["--ephemeral", "--no-stdio", "--http", "192.0.2.1:1"], {
      TMPDIR: temporary,
      ARTIFACTS_HTTP_TOKEN: "a".repeat(20),
    });
    expect(taken.status).toBe(1);
    expectRefusal(runCommand(["--ephemeral"], { TMPDIR: at("no") }), 1, "TMPDIR");
    expect(await readdir(temporary)).toEqual([]);
    expect(existsSync(at("kept"))).toBe(false);
  });
});
