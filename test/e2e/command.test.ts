import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { expectRefusal, runCommand as run } from "../support/command.js";
import { temporaryDirectory } from "../support/directories.js";
import { copyOfBuild, installDriver } from "../support/installation.js";
import {
  builtServer,
  initialize,
  spawnRaw,
  startServer,
  startServerUnder,
  toolCall,
} from "../support/server-process.js";

/**
 * Whether a process can run as a user who is in no passwd file. Only root can start one, and on some machines that user
 * cannot read the checkout.
 */
const canBeAnybody =
  process.getuid?.() === 0 &&
  spawnSync(process.execPath, [builtServer, "--version"], { uid: 54_321, gid: 54_321 }).status === 0;

describe("the command line", () => {
  it("--version and --help answer on stdout and make no data directory", async () => {
    const home = await temporaryDirectory();
    const environment = { HOME: home, XDG_DATA_HOME: join(home, "data"), ARTIFACTS_ROOT: "" };
    expect(run(["--version"], environment)).toEqual({ status: 0, stdout: `${packageJson.version}\n`, stderr: "" });
    expect(run(["version"], environment).stdout).toBe(`${packageJson.version}\n`);
    const help = run(["--help"], environment);
    for (const word of ["help", "-h"]) expect(run([word], environment)).toEqual(help);
    for (const flag of ["--root", "--read-only", "--max-artifact-bytes", "--session-ttl", "ARTIFACTS_"]) {
      expect(help.stdout).toContain(flag);
    }
    expect(help.status).toBe(0);
    expect(await readdir(home)).toEqual([]);
  });

  it("--version --verbose also names the versions of Node and SQLite, and so does the log line of a start", async () => {
    const { status, stdout } = run(["--version", "--verbose"]);
    expect(status).toBe(0);
    const [first, node, sqlite] = stdout.split("\n");
    expect([first, node]).toEqual([packageJson.version, `Node ${process.version} at ${process.execPath}`]);
    const [, version, driver] =
      /^SQLite (\d+\.\d+\.\d+) by (node:sqlite|@photostructure\/sqlite)$/.exec(sqlite ?? "") ?? [];
    expect(version).toBeDefined();
    const { stderr } = run(["--root", await temporaryDirectory()]);
    expect(stderr).toContain(`"driver":"${driver}","sqlite":"${version}"`);
    expect(stderr).not.toContain("Warning");
  });

  it("reads an argument that looks like a path as one more allowed directory", async () => {
    const root = join(await temporaryDirectory(), "store");
    const allowed = await temporaryDirectory();
    const server = await startServer(root, allowed);
    const { tools } = await server.client.listTools();
    expect(tools.map(({ name }) => name)).toContain("import_file");
    const { stderr } = run(["--root", root, "./none", "~/none", "--allow-path", "/none"], { HOME: allowed });
    for (const path of [join(process.cwd(), "none"), join(allowed, "none"), "/none"]) {
      expect(stderr).toContain(`allowed_path_missing {"path":"${path}"`);
    }
  });

  it("treats a setting that the host of a bundle left unfilled as absent", async () => {
    const home = await temporaryDirectory();
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: as the host leaves it
    const environment = { HOME: home, XDG_DATA_HOME: join(home, "data"), ARTIFACTS_ROOT: "${user_config.root}" };
    const { status, stderr } = run(["${user_config.allowed_directories}", ""], environment);
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: as the host leaves it
    expect([status, stderr]).toEqual([0, expect.stringContaining(join(home, "data", "artifacts-mcp"))]);
    expect(stderr).not.toContain("allowed_path_missing");
  });

  it.each<[string[], ...string[]]>([
    [["--rot", "x"], "--rot", "--root"],
    [["-r"], "-r", "--root"],
    [["somewhere"], '"somewhere"', "verify, setup, doctor", "./somewhere"],
    [["./x", "verify"], '"verify"', "must be the first word"],
    [["--verbose"], "--verbose", "--version"],
    [["toString"], '"toString"', "verify, setup, doctor"],
    [["--toString"], "--toString", "--root"],
    [["setup", "cursor", "--write=false"], "--write", "no value"],
    [["doctor", "now"], '"now"', "only options"],
    [["setup", "emacs"], '"emacs"', "claude-desktop", "zed"],
    [["setup"], "claude-desktop", "zed"],
    [["--"], "--", "only options"],
    [["--root"], "--root", "needs a value"],
    [["--root", "--read-only"], "--root", "needs a value"],
    [["--root", ""], "--root", "a directory's path"],
    [["--keep-versions", "0"], "--keep-versions", "from 1 to 1000"],
    [["--keep-versions", "ten"], "--keep-versions", '"ten"'],
    [["--max-chunk-bytes", "1.5"], "--max-chunk-bytes", "a whole number"],
    [["--max-chunk-bytes", "99999999999"], "--max-chunk-bytes", "33554432"],
    [["--max-artifact-bytes", "-1"], "--max-artifact-bytes", "a whole number"],
    [["--session-ttl", "5 days"], "--session-ttl", "15m"],
    [["--session-ttl", "0s"], "--session-ttl", "365d"],
    [["--allow-path", ""], "--allow-path", "a directory's path"],
    [["--max-store-bytes", "0"], "--max-store-bytes", "a whole number"],
    [["--repair"], "--repair", "an option of verify"],
    [["verify", "--keep-versions", "3"], "--keep-versions", "--repair"],
    [["verify", "now"], '"now"', "only options"],
    [["--log-level", "loud"], "--log-level", "debug, info, warn, error"],
    [["--read-only=perhaps"], "--read-only", "true or false"],
    [["--no-stdio"], "--no-stdio", "--http HOST:PORT"],
    [["--http", "8080"], "--http", "127.0.0.1:8080"],
    [["--http", "127.0.0.1:99999"], "--http", "HOST:PORT"],
    [["--http", "0.0.0.0:0"], "0.0.0.0", "ARTIFACTS_HTTP_TOKEN"],
    [["--http", "[::]:0"], "open to other machines", "ARTIFACTS_HTTP_TOKEN"],
    [["--http-origin", "example.com"], "--http-origin", "https://app.example.com"],
    [["--http-url", "ftp://x"], "--http-url", "a URL"],
  ])("refuses %j in one line that names it and the allowed values, exit 2", (args, ...parts) => {
    expectRefusal(run(args), 2, ...parts);
  });

  it("refuses a token that is too short, and does not print it", () => {
    const ran = run(["--http", "127.0.0.1:0"], { ARTIFACTS_HTTP_TOKEN: "hunter2" });
    expectRefusal(ran, 2, "ARTIFACTS_HTTP_TOKEN", "16");
    expect(ran.stderr).not.toContain("hunter2");
  });

  it("also reads each option from the environment, with the same checks, and the flag wins", async () => {
    expectRefusal(run([], { ARTIFACTS_SESSION_TTL: "soon" }), 2, "ARTIFACTS_SESSION_TTL", "365d");
    const root = await temporaryDirectory();
    const environment = { ARTIFACTS_ROOT: join(root, "by-variable"), ARTIFACTS_READ_ONLY: "true" };
    expect(run(["--root", join(root, "by-flag"), "--read-only=false"], environment).status).toBe(0);
    expect(await readdir(root)).toEqual(["by-flag"]);
    expectRefusal(run([], environment), 1, "There is no store in", "by-variable", "--root");
    expect(await readdir(root)).toEqual(["by-flag"]);
    environment.ARTIFACTS_ROOT = join(root, "by-flag");
    expect(run([], environment).stderr).toContain('"readOnly":true');
  });

  it("--read-only creates neither a data directory nor a store in one", async () => {
    const root = await temporaryDirectory();
    for (const path of [join(root, "missing"), root]) {
      expectRefusal(run(["--read-only", "--root", path]), 1, `There is no store in ${path}`, "--root");
    }
    expect(await readdir(root)).toEqual([]);
    const environment = { XDG_DATA_HOME: join(root, "data"), ARTIFACTS_ROOT: "" };
    expectRefusal(run(["--read-only"], environment), 1, "There is no store in");
    expect(await readdir(root)).toEqual([]);
  });

  it.skipIf(!canBeAnybody)("starts for a user without a home directory, and says what needs one", () => {
    const someone = { uid: 54_321, gid: 54_321 };
    const environment: NodeJS.ProcessEnv = { PATH: process.env["PATH"] };
    const start = (...args: string[]) =>
      spawnSync(process.execPath, [builtServer, ...args], {
        encoding: "utf8",
        input: "",
        env: environment,
        ...someone,
      });
    expect(start("--version").stdout).toBe(`${packageJson.version}\n`);
    for (const args of [[], ["doctor"], ["setup", "cursor"], ["--root", "~/x"]]) {
      expectRefusal(start(...args), 2, "no home directory");
    }
  });

  it("expands ~ to the home directory, because no shell expands it in a host's configuration", async () => {
    const home = await temporaryDirectory();
    const { status, stderr } = run(["--root", "~/store", "--allow-path", "~/none"], { HOME: home });
    expect(status).toBe(0);
    expect(await readdir(home)).toEqual(["store"]);
    // A missing directory is reported too.
    expect(stderr).toContain(`warn allowed_path_missing {"path":"${join(home, "none")}"`);
  });

  it("says that a relative path is useless if the current directory is gone", async () => {
    const folder = await temporaryDirectory();
    const command = 'rmdir "$PWD" && exec "$0" "$@"';
    const args = ["-c", command, process.execPath, builtServer, "--root", "store"];
    const gone = join(folder, "gone");
    await mkdir(gone);
    const { status, stdout, stderr } = spawnSync("sh", args, { cwd: gone, encoding: "utf8", input: "" });
    expectRefusal({ status, stdout, stderr }, 2, "current directory is gone", '"store"');
  });

  it("creates a store only for its owner, whatever the umask", async () => {
    const root = join(await temporaryDirectory(), "store");
    const server = await startServerUnder(["sh", "-c", 'umask 0; exec "$@"', "sh"], root);
    await server.call("save_artifact", { bucket: "b", key: "k", content: "x" });
    expect((await stat(root)).mode & 0o077).toBe(0);
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(entry.parentPath, entry.name));
      expect([entry.name, mode & 0o077]).toEqual([entry.name, 0]);
    }
    expect(await readdir(root)).toContain("metadata.sqlite-wal");
  });

  it("creates the platform's data directory and the folders above it if no root is named", async () => {
    const home = await temporaryDirectory();
    const environment = { HOME: home, XDG_DATA_HOME: join(home, "not", "there"), ARTIFACTS_ROOT: "" };
    expect(run([], environment).status).toBe(0);
    const found = await readdir(join(home, "not", "there", "artifacts-mcp"));
    // One driver leaves the files of the log behind. They are empty then.
    const log = found.filter((name) => /-(?:shm|wal)$/.test(name));
    for (const name of log.filter((name) => name.endsWith("-wal"))) {
      expect((await stat(join(home, "not", "there", "artifacts-mcp", name))).size).toBe(0);
    }
    const others = found.filter((name) => !log.includes(name)).sort();
    expect(others).toEqual(["content", "format", "metadata.sqlite"]);
  });
});

describe("a data directory that cannot be used", () => {
  it("ends the start with one line that says what to do, exit 1", async () => {
    const root = await temporaryDirectory();
    const inside = (name: string): string => join(root, name);
    expectRefusal(run(["--root", inside("none/store")]), 1, inside("none"), "does not exist", "--root");
    await writeFile(inside("file"), "");
    expectRefusal(run(["--root", inside("file")]), 1, "is a file", "--root");
    expectRefusal(run(["--root", inside("file/store")]), 1, "--root");

    if (existsSync("/proc/self")) {
      expectRefusal(run(["--root", "/proc/none"]), 1, "/proc/none", "--root");
      expectRefusal(run([], { XDG_DATA_HOME: "/proc/none" }), 1, "/proc/none", "--root");
    }

    await mkdir(inside("newer"));
    await writeFile(inside("newer/format"), "3\n");
    expectRefusal(run(["--root", inside("newer")]), 1, "format 3", "newer version", "--root");
    expect(await readdir(inside("newer"))).toEqual(["format"]);

    await mkdir(inside("older/blobs"), { recursive: true });
    await writeFile(inside("older/format"), "1\n");
    await writeFile(inside("older/metadata.sqlite"), "its database");
    for (const words of [[], ["verify"]]) {
      const status = words.length === 0 ? 1 : 2;
      expectRefusal(
        run([...words, "--root", inside("older")]),
        status,
        "format 1",
        "earlier preview",
        "export",
        "--root",
      );
    }
    expect((await readdir(inside("older"))).sort()).toEqual(["blobs", "format", "metadata.sqlite"]);
    expect(await readFile(inside("older/metadata.sqlite"), "utf8")).toBe("its database");

    await mkdir(inside("folder/metadata.sqlite"), { recursive: true });
    expectRefusal(run(["--root", inside("folder")]), 1, "metadata.sqlite", "--root");
  });

  it("that is damaged is not changed", async () => {
    const root = join(await temporaryDirectory(), "store");
    expect(run(["--root", root]).status).toBe(0);
    const database = join(root, "metadata.sqlite");
    const sound = await readFile(database);
    for (const damaged of [
      Buffer.from("this is no database, and long enough to be looked at"),
      sound.subarray(0, 5_000),
    ]) {
      await writeFile(database, damaged);
      expectRefusal(run(["--root", root]), 1, "damaged", "backup");
      expect(await readFile(database)).toEqual(damaged);
    }
    await truncate(database, 0);
    expectRefusal(run(["--root", root]), 1, "missing or empty", "backup");
  });

  it("that is not writable is named", async () => {
    const folder = await temporaryDirectory();
    await chmod(folder, 0o755);
    const root = join(folder, "store");
    await mkdir(root, { mode: 0o555 });
    // Root may write anywhere, so the process runs as another user.
    const someone = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const main = await copyOfBuild(folder);
    await installDriver(folder);
    const options = { encoding: "utf8", input: "", ...someone } as const;
    const { stderr, status } = spawnSync(process.execPath, [main, "--root", root], options);
    expect(stderr).toMatch(/^artifacts-mcp: [^\n]*not writable[^\n]*--root[^\n]*\n$/);
    expect(status).toBe(1);
    expect(await readdir(root)).toEqual([]);
  });
});

describe("the process", () => {
  it("ends when stdin ends, after every received request has been answered", async () => {
    const server = spawnRaw(["--root", await temporaryDirectory()]);
    const saves = Array.from({ length: 5 }, (_, n) =>
      toolCall(n + 1, "save_artifact", { bucket: "b", key: `k${n}`, content: "x" }),
    );
    server.send(initialize, ...saves);
    server.child.stdin.end();
    expect(await server.exited).toBe(0);
    const ids = server
      .stdout()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).id);
    expect(ids.sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(server.stderr()).toContain("stdin ended");
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends on %s after the running chunk is stored", async (signal) => {
    const root = await temporaryDirectory();
    const server = spawnRaw(["--root", root]);
    server.send(initialize, toolCall(1, "create_upload_session", { bucket: "b", key: "k" }));
    const { result = {} } = await server.answer(1);
    const { id } = result["structuredContent"] as { id: string };
    const data = "x".repeat(4_000_000);
    server.send(toolCall(2, "upload_chunk", { session_id: id, offset: 0, data }), { id: 3, method: "ping" });
    await server.answer(3); // so the chunk sent before it has arrived
    server.child.kill(signal);
    expect(await server.exited).toBe(0);
    expect(await server.answer(2)).toMatchObject({ result: { structuredContent: { offset: data.length } } });
    const next = await startServer(root);
    expect(await next.call("get_upload_session", { session_id: id })).toMatchObject({ offset: data.length });
  });

  it("ends without an error when nobody reads stdout any more", async () => {
    const server = spawnRaw(["--root", await temporaryDirectory()]);
    server.send(initialize);
    await server.answer(0);
    server.child.stdout.destroy();
    for (let id = 1; server.child.exitCode === null && id < 1_000; id += 1) {
      server.send({ id, method: "tools/list" });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await server.exited).toBe(0);
    expect(server.stderr()).not.toContain("Error:");
  });
});

describe("logs", () => {
  it("go to stderr, one line per event, from the chosen level on", async () => {
    const root = await temporaryDirectory();
    const lines = run(["--root", root]).stderr.trim().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z info (?:started|stopped) \{.*\}$/);
    expect(run(["--root", root, "--log-level", "error"]).stderr).toBe("");
  });
});

const hasScript = spawnSync("script", ["--version"]).status === 0;

describe("on a terminal", () => {
  it.skipIf(!hasScript)("says what the program is and how to connect a host (needs script of util-linux)", async () => {
    const root = await temporaryDirectory();
    const command = `${process.execPath} ${builtServer} --root ${root}`;
    // Ctrl-D ends the input of the terminal.
    const { stdout, status } = spawnSync("script", ["-qec", command, "/dev/null"], {
      encoding: "utf8",
      input: "\u0004",
    });
    for (const part of ["MCP host", '"mcpServers"', root, "--help"]) expect(stdout).toContain(part);
    expect(status).toBe(0);
  });
});
