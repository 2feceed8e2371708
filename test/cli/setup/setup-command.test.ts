import { chmod, lstat, mkdir, readdir, readFile, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCommand } from "../../../src/cli/options/command-line.js";
import type { SetupConfig } from "../../../src/cli/options/setup-config.js";
import { commandOf } from "../../../src/cli/setup/entry.js";
import { hosts } from "../../../src/cli/setup/hosts.js";
import { jsonc } from "../../../src/cli/setup/json-config.js";
import { runSetup } from "../../../src/cli/setup/setup-command.js";
import type { Surroundings } from "../../../src/cli/setup/surroundings.js";
import { temporaryDirectory } from "../../support/directories.js";

const program = { node: "/opt/node/bin/node", main: "/opt/artifacts-mcp/dist/main.js" };
const started = [program.node, program.main, "--root", "/data", "--allow-path", "/sets"];

async function newHome(): Promise<Surroundings> {
  return { platform: "linux", home: await temporaryDirectory(), environment: {} };
}

/** Runs `artifacts-mcp setup` with these words. */
function setup(surroundings: Surroundings, ...words: string[]): Promise<string> {
  const command = readCommand(["setup", ...words], {});
  if (command.kind !== "setup") throw new Error("this is not the command setup");
  return runSetup(command.config, program, surroundings);
}

function hostOf(id: string) {
  const host = hosts.find((each) => each.id === id);
  if (host === undefined) throw new Error(`no host ${id}`);
  return host;
}

/** Writes a host's file with this text. Returns functions that run setup on it and read it. */
async function fileOf(id: string, text: string) {
  const surroundings = await newHome();
  const path = hostOf(id).file(surroundings);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return {
    path,
    setup: (...words: string[]) => setup(surroundings, id, ...words),
    read: () => readFile(path, "utf8"),
    copies: async () => (await readdir(dirname(path))).filter((name) => name.endsWith(".backup")),
  };
}

describe.each(hosts.map((host) => [host.id, host] as const))("setup %s", (id, host) => {
  const words = ["--root", "/data", "/sets"];

  it("prints what to put where, and changes nothing", async () => {
    const surroundings = await newHome();
    const text = await setup(surroundings, id, ...words);
    const lines = text.split("\n").filter((line) => !line.startsWith("#"));
    expect(text).toContain(host.file(surroundings));
    expect(commandOf(host.format.entries(lines.join("\n"), host.section)["artifacts"] ?? {})).toEqual(started);
    expect(await readdir(surroundings.home)).toEqual([]);
  });

  it("--write makes the file, a second --write does not change it, --remove takes the entry out", async () => {
    const surroundings = await newHome();
    const file = host.file(surroundings);
    expect(await setup(surroundings, id, "--write", ...words)).toContain(file);
    const text = await readFile(file, "utf8");
    expect(commandOf(host.format.entries(text, host.section)["artifacts"] ?? {})).toEqual(started);
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    expect(await setup(surroundings, id, "--write", ...words)).toContain("set up already");
    expect(await readFile(file, "utf8")).toBe(text);
    expect((await readdir(dirname(file))).filter((name) => name.endsWith(".backup"))).toEqual([]);

    await setup(surroundings, id, "--remove");
    expect(host.format.entries(await readFile(file, "utf8"), host.section)).toEqual({});
    expect(await setup(surroundings, id, "--remove")).toContain("nothing was changed");
  });
});

describe("setup on a configuration that exists", () => {
  it("keeps every other byte of it, and makes a copy of the file", async () => {
    const before = `{
\t"theme": "dark",   "n": 1.50,
\t"mcpServers": {
\t\t"other": {
\t\t\t"command": "x"
\t\t}
\t}
}
`;
    const file = await fileOf("claude-desktop", before);
    await file.setup("--write");
    const written = await file.read();
    const added = `,
\t\t"artifacts": {
\t\t\t"command": "/opt/node/bin/node",
\t\t\t"args": [
\t\t\t\t"/opt/artifacts-mcp/dist/main.js"
\t\t\t]
\t\t}`;
    expect(written).toContain(added);
    expect(written.replace(added, "")).toBe(before);
    const [copy = ""] = await file.copies();
    expect(await readFile(join(dirname(file.path), copy), "utf8")).toBe(before);
    await file.setup("--remove");
    expect(await file.read()).toBe(before);
    expect(await file.copies()).toHaveLength(2);
  });

  it("keeps comments and trailing commas if the host allows them", async () => {
    const before = `// mine
{
  /* all of it */
  "theme": "dark", // as always
  "context_servers": {
    "other": { "command": "x", }, // and mine
  },
}
`;
    const file = await fileOf("zed", before);
    await file.setup("--write");
    expect(await file.read()).toContain("/opt/node");
    await file.setup("--remove");
    for (const comment of ["// mine\n{", "/* all of it */", "// as always", "// and mine"]) {
      expect(await file.read()).toContain(comment);
    }
    expect(jsonc.entries(await file.read(), "context_servers")).toEqual({ other: { command: "x" } });
  });

  it("sets command and args of the entry, and keeps the user's other fields", async () => {
    const old = {
      command: "node",
      args: ["/old/artifacts-mcp/dist/main.js"],
      env: { ARTIFACTS_ROOT: "/x" },
      trust: true,
    };
    const file = await fileOf("qwen", JSON.stringify({ mcpServers: { artifacts: old } }));
    await file.setup("--write");
    const now = JSON.parse(await file.read()).mcpServers.artifacts;
    expect(now).toEqual({ ...old, command: program.node, args: [program.main] });
  });

  it("keeps the options of the server if none is given, for every way to write the entry", async () => {
    const driver = "@photostructure/sqlite@1.2.1";
    for (const [command, ...args] of [
      ["node", "dist/main.js"],
      ["npx", "-y", "artifacts-mcp"],
      ["npx", "-y", "-p", "artifacts-mcp", "-p", driver, "artifacts-mcp"],
      ["node", "--no-warnings", "/old/artifacts-mcp/dist/main.js"],
      ["/usr/local/bin/artifacts-mcp"],
    ]) {
      const old = { command, args: [...args, "--root", "/data", "/sets"] };
      const file = await fileOf("cursor", JSON.stringify({ mcpServers: { artifacts: old } }));
      expect(await file.setup("--write")).toContain("--root /data /sets");
      const { artifacts } = JSON.parse(await file.read()).mcpServers;
      expect(artifacts.args).toEqual([program.main, "--root", "/data", "/sets"]);
      await file.setup("--write", "--root", "/other");
      expect(JSON.parse(await file.read()).mcpServers.artifacts.args).toEqual([program.main, "--root", "/other"]);
    }
  });

  it("changes only its own table of a TOML file, and the tables below it", async () => {
    const before = `# mine
model = "x" # the best

[mcp_servers.artifacts]
command = "node"
args = [
  "/old/artifacts-mcp/dist/main.js",
]
startup_timeout_sec = 20

[mcp_servers.artifacts.env] # and its variables
A = "[mcp_servers.other]"

# of the other one
[mcp_servers."other.one"]
command = "y"
text = """
[mcp_servers.artifacts]
"""
[[list]]
n = 1`;
    const file = await fileOf("codex", before);
    await file.setup("--write", "--root", "/data");
    const written = await file.read();
    expect(written).toBe(`# mine
model = "x" # the best

[mcp_servers.artifacts]
command = "/opt/node/bin/node"
args = [ "/opt/artifacts-mcp/dist/main.js", "--root", "/data" ]
startup_timeout_sec = 20

[mcp_servers.artifacts.env]
A = "[mcp_servers.other]"

# of the other one
[mcp_servers."other.one"]
command = "y"
text = """
[mcp_servers.artifacts]
"""
[[list]]
n = 1
`);
    expect(await file.setup("--write", "--root", "/data")).toContain("already");
    await file.setup("--remove");
    expect(await file.read()).toMatch(/^# mine\n[\s\S]*\n# of the other one\n[\s\S]*n = 1\n$/);
    expect(await file.read()).not.toContain("/opt");
    await file.setup("--write");
    const again = await file.read();
    await file.setup("--write", "--root", "/other");
    await file.setup("--remove");
    await file.setup("--write");
    expect(await file.read()).toBe(again); // no blank line more
  });

  it("changes and removes an entry of TOML that has other tables behind it", async () => {
    const file = await fileOf("codex", 'model = "x"\n');
    await file.setup("--write");
    const behind = '\n[projects."/h"]\ntrust_level = "trusted"\nbig = 9007199254740993\n# the end\n';
    await writeFile(file.path, (await file.read()) + behind);
    await file.setup("--write", "--read-only");
    expect(await file.read()).toContain("--read-only");
    await file.setup("--remove");
    expect(await file.read()).toBe(`model = "x"\n\n${behind.trimStart()}`);
  });

  it.each(["zed", "vscode"])("accepts trailing commas in the file of %s, also after the only entry", async (id) => {
    const { section } = hostOf(id);
    const file = await fileOf(id, `{\n  "${section}": {\n    // none yet\n  },\n}\n`);
    await file.setup("--write");
    await writeFile(file.path, (await file.read()).replace(/\n {4}\}\n/, "\n    },\n"));
    await file.setup("--write", "--read-only");
    await file.setup("--remove");
    expect(jsonc.entries(await file.read(), section)).toEqual({});
    expect(await file.read()).toContain("// none yet");
    expect(await file.setup("--remove")).toContain("nothing was changed");
  });

  it("keeps the line ends of Windows, and drops a byte order mark, which hosts refuse", async () => {
    const json = await fileOf("cursor", `\uFEFF{\r\n  "mcpServers": {}\r\n}\r\n`);
    await json.setup("--write");
    expect(await json.read()).toMatch(/^\{\r\n {2}"mcpServers": \{\r\n {4}"artifacts": \{\r\n/);
    expect((await json.read()).replaceAll("\r\n", "")).not.toContain("\n");
    const toml = await fileOf("codex", `model = "x"\r\n`);
    await toml.setup("--write");
    expect((await toml.read()).replaceAll("\r\n", "")).not.toContain("\n");
  });

  it("keeps the mode of the file, and writes through a symlink, which stays a symlink", async () => {
    const real = join(await temporaryDirectory(), "dotfiles.json");
    await writeFile(real, "{}");
    await chmod(real, 0o640);
    const surroundings = await newHome();
    const linked = hostOf("cursor").file(surroundings);
    await mkdir(dirname(linked), { recursive: true });
    await symlink(real, linked);
    await setup(surroundings, "cursor", "--write");
    expect(await realpath(linked)).toBe(await realpath(real));
    expect(JSON.parse(await readFile(real, "utf8")).mcpServers.artifacts.command).toBe(program.node);
    expect((await stat(real)).mode & 0o777).toBe(0o640);
  });

  it("changes nothing if the file is not UTF-8, or is a symlink that leads nowhere", async () => {
    const file = await fileOf("zed", "");
    const latin1 = Buffer.from("{ // caf\xe9\n}", "latin1");
    await writeFile(file.path, latin1);
    await expect(file.setup("--write")).rejects.toThrow("not UTF-8");
    expect(await readFile(file.path)).toEqual(latin1);
    await rm(file.path);
    await symlink("/none/settings.json", file.path);
    await expect(file.setup("--write")).rejects.toThrow("ENOENT");
    expect((await lstat(file.path)).isSymbolicLink()).toBe(true);
  });

  it.each([
    ["claude-desktop", '{ "mcpServers": null }', /"mcpServers"/],
    ["cursor", '{ "mcpServers": {}, "mcpServers": { "a": { "command": "x" } } }', /by hand/],
    [
      "cursor",
      '{ "mcpServers": { "artifacts": { "command": "node", "args": ["/opt/weather/dist/main.js"] } } }',
      /--name/,
    ],
    ["claude-desktop", '{ "mcpServers": { }', /line 1, column 20/],
    ["claude-desktop", '{ // mine\n "mcpServers": {} }', /not valid JSON/],
    ["claude-desktop", "[]", /not a JSON object/],
    ["claude-desktop", '{ "mcpServers": [] }', /"mcpServers"/],
    ["claude-desktop", '{ "mcpServers": { "artifacts": { "command": "other" } } }', /--name/],
    ["gemini", '{ "mcpServers": {}, }', /line 1, column 21/],
    ["codex", 'model = "x', /not valid TOML/],
    ["codex", 'mcp_servers = { other = { command = "x" } }', /by hand/],
    ["codex", 'mcp_servers.artifacts.command = "/a/artifacts-mcp"', /by hand/],
  ])("does not change the file of %s if it is %s", async (id, text, why) => {
    const file = await fileOf(id, text);
    const refusal = file.setup("--write");
    await expect(refusal).rejects.toThrow(why);
    await expect(refusal).rejects.toThrow(file.path);
    await expect(refusal).rejects.toMatchObject({ exitCode: 1 });
    expect(await file.read()).toBe(text);
    expect(await readdir(dirname(file.path))).toHaveLength(1);
  });

  it("does not replace the entry of another program, and can add a second entry", async () => {
    const file = await fileOf("cursor", '{ "mcpServers": { "artifacts": { "command": "other" } } }');
    await expect(file.setup("--remove")).rejects.toThrow("another program");
    await file.setup("--write", "--name", "store");
    expect(Object.keys(JSON.parse(await file.read()).mcpServers)).toEqual(["artifacts", "store"]);
  });
});

describe("the file of a host", () => {
  const at = (platform: NodeJS.Platform, environment: NodeJS.ProcessEnv = {}): Surroundings => ({
    platform,
    home: "/home/me",
    environment,
  });

  it.each([
    ["claude-desktop", at("darwin"), "/home/me/Library/Application Support/Claude/claude_desktop_config.json"],
    ["claude-desktop", at("win32", { APPDATA: "/roaming" }), "/roaming/Claude/claude_desktop_config.json"],
    ["claude-desktop", at("linux", { XDG_CONFIG_HOME: "/xdg" }), "/xdg/Claude/claude_desktop_config.json"],
    ["claude-code", at("linux"), "/home/me/.claude.json"],
    ["claude-code", at("linux", { CLAUDE_CONFIG_DIR: "/cc" }), "/cc/.claude.json"],
    ["cursor", at("linux", { XDG_CONFIG_HOME: "/xdg" }), "/home/me/.cursor/mcp.json"],
    ["vscode", at("darwin"), "/home/me/Library/Application Support/Code/User/mcp.json"],
    ["codex", at("linux", { CODEX_HOME: "/codex" }), "/codex/config.toml"],
    ["opencode", at("linux"), "/home/me/.config/opencode/opencode.jsonc"],
    ["gemini", at("linux", { GEMINI_CLI_HOME: "/gem" }), "/gem/.gemini/settings.json"],
    ["qwen", at("linux"), "/home/me/.qwen/settings.json"],
    ["qwen", at("linux", { QWEN_HOME: "/qwen" }), "/qwen/settings.json"],
    ["copilot", at("linux", { XDG_CONFIG_HOME: "/xdg", COPILOT_HOME: "/cop" }), "/cop/mcp-config.json"],
    ["zed", at("darwin"), "/home/me/.config/zed/settings.json"],
    ["zed", at("win32", { APPDATA: "/roaming" }), "/roaming/Zed/settings.json"],
  ])("%s", (id, surroundings, path) => {
    expect(hostOf(id).file(surroundings)).toBe(path);
  });

  it("is in the folder that the Windows package of Claude Desktop sees", async () => {
    const folder = await temporaryDirectory();
    await mkdir(join(folder, "Packages", "Claude_x1"), { recursive: true });
    const environment = { LOCALAPPDATA: folder, APPDATA: "/roaming" };
    expect(hostOf("claude-desktop").file(at("win32", environment))).toBe(
      join(folder, "Packages/Claude_x1/LocalCache/Roaming/Claude/claude_desktop_config.json"),
    );
  });

  it("is opencode.json if opencode already has that file", async () => {
    const file = await fileOf("opencode", "{}");
    const other = join(dirname(file.path), "opencode.json");
    await writeFile(other, "{}");
    expect(await file.read()).toBe("{}");
    await rm(file.path);
    await file.setup("--write");
    expect(JSON.parse(await readFile(other, "utf8")).mcp.artifacts.enabled).toBe(true);
  });
});

describe("the command line of setup", () => {
  it("refuses an unknown host and a missing host, and lists the known ones", async () => {
    const surroundings = await newHome();
    for (const words of [["emacs"], []]) {
      const refusal = setup(surroundings, ...words);
      await expect(refusal).rejects.toThrow(/claude-desktop, claude-code, cursor, .*zed/);
      await expect(refusal).rejects.toMatchObject({ exitCode: 2 });
    }
    expect(await setup(surroundings, "Cursor")).toContain("# Cursor: put this");
  });

  it.each([
    [["cursor", "--write", "--remove"], "not both"],
    [["cursor", "--name", "a b"], "--name"],
    [["cursor", "--session-ttl", "soon"], "365d"],
    [["cursor", "--http-token", "0123456789abcdef"], "--http-token"],
    [["cursor", "--no-stdio"], "stdio"],
    [["cursor", "remove"], "--remove"],
    [["cursor", "somewhere"], "with a slash"],
  ])("refuses %j", (words, part) => {
    expect(() => readCommand(["setup", ...words], {})).toThrow(part);
  });

  it("refuses to write a path in npm's cache", async () => {
    const surroundings = await newHome();
    const command = readCommand(["setup", "cursor", "--write"], {});
    if (command.kind !== "setup") throw new Error("this is not the command setup");
    const cached = { ...program, main: "/home/me/.npm/_npx/1a2b/node_modules/artifacts-mcp/dist/main.js" };
    await expect(runSetup(command.config, cached, surroundings)).rejects.toThrow("npm's cache");
    expect(await readdir(surroundings.home)).toEqual([]);
  });

  it("refuses a data directory that could not be made, and names the allowed directories that do not exist", async () => {
    const surroundings = await newHome();
    await expect(setup(surroundings, "cursor", "--write", "--root", "/none/store")).rejects.toThrow(
      "/none does not exist",
    );
    expect(await readdir(surroundings.home)).toEqual([]);
    expect(await setup(surroundings, "cursor", "--write", "/none/sets")).toContain("/none/sets is no directory");
  });

  it("writes the data directory of its own environment into a new entry, because hosts do not hand it on", async () => {
    const surroundings = await newHome();
    const command = readCommand(["setup", "cursor", "--write"], { ARTIFACTS_ROOT: "/data" });
    if (command.kind !== "setup") throw new Error("this is not the command setup");
    await runSetup(command.config, program, surroundings);
    const text = await readFile(hostOf("cursor").file(surroundings), "utf8");
    expect(JSON.parse(text).mcpServers.artifacts.args).toEqual([program.main, "--root", "/data"]);
  });

  it("makes paths absolute, and keeps the value of each option", () => {
    const words = [
      "setup",
      "cursor",
      "--allow-path",
      "~/a",
      "--read-only",
      "--keep-versions=3",
      "--bucket-prefix",
      "run7-",
      "./b",
    ];
    const { config } = readCommand(words, {}) as { config: SetupConfig };
    const home = homedir();
    expect(config.serverArguments).toEqual([
      "--allow-path",
      join(home, "a"),
      "--allow-path",
      join(process.cwd(), "b"),
      "--read-only",
      "--keep-versions",
      "3",
      "--bucket-prefix",
      "run7-",
    ]);
  });
});
