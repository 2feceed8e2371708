import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { runDoctor } from "../../../src/cli/doctor/doctor-command.js";
import { hosts } from "../../../src/cli/setup/hosts.js";
import { openDataDirectory } from "../../../src/engines/data-directory.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

async function scene() {
  const home = await temporaryDirectory();
  const surroundings = { platform: "linux", home, environment: {} } as const;
  const fileOf = (id: string) => hosts.find((host) => host.id === id)?.file(surroundings) ?? "";
  return {
    home,
    fileOf,
    async write(id: string, text: string): Promise<void> {
      await mkdir(dirname(fileOf(id)), { recursive: true });
      await writeFile(fileOf(id), text);
    },
    async report(root = join(home, "store"), isRootNamed = false) {
      const { text, isSound } = await runDoctor({ root, isRootNamed }, "artifacts-mcp", surroundings);
      return { isSound, lines: text.trimEnd().split("\n") };
    },
  };
}

const entry = (command: string, main: string) =>
  JSON.stringify({ mcpServers: { files: { command, args: [main, "--root", "/x"] }, other: { command: "y" } } });

describe("doctor", () => {
  it("reports on Node, SQLite, the data directory and its disk, one line each, and creates no file", async () => {
    const { home, report } = await scene();
    const { isSound, lines } = await report();
    expect(isSound).toBe(true);
    expect(lines).toHaveLength(5);
    expect(lines[0]).toContain(`Node ${process.version} at ${process.execPath}`);
    expect(lines[1]).toMatch(/^ok {4}SQLite \d+\.\d+\.\d+ by (?:node:sqlite|@photostructure\/sqlite)$/);
    expect(lines[2]).toBe(`ok    data directory ${join(home, "store")}: not there yet; the first start makes it`);
    expect(lines[3]).toMatch(/file system .* of .*: [\d.]+ GB free/);
    expect(lines[4]).toBe(`note  not found for this user: ${hosts.map(({ id }) => id).join(", ")}`);
  });

  it("says that a directory holds a store, and why another one cannot be used", async () => {
    const { home, report } = await scene();
    const directory = await openDataDirectory(join(home, "store"), {}, silentLog);
    await directory.close();
    expect((await report()).lines[2]).toBe(`ok    data directory ${join(home, "store")}: holds a store`);
    await writeFile(join(home, "file"), "");
    const { isSound, lines } = await report(join(home, "file"));
    expect([isSound, lines[2]]).toEqual([
      false,
      expect.stringMatching(/^fault .*is a file: give a directory \(--root\)\.$/),
    ]);
    await writeFile(join(home, "store", "format"), "99\n");
    expect((await report()).lines[2]).toMatch(/^fault .*format 99/);
    await writeFile(join(home, "store", "format"), "1\n");
    expect((await report()).lines[2]).toMatch(/^fault .*format 1 of an earlier preview/);
    await writeFile(join(home, "store", "format"), "2\n");
    await writeFile(join(home, "store", "metadata.sqlite"), "");
    expect((await report()).lines[2]).toMatch(/^fault .*missing or empty/);
    expect((await report(join(home, "none", "store"), true)).lines[2]).toMatch(/^fault .*none does not exist/);
  });

  it.skipIf(process.getuid?.() === 0)("says that a directory is not writable", async () => {
    const { home, report } = await scene();
    await mkdir(join(home, "store"));
    await chmod(join(home, "store"), 0o500);
    expect((await report()).lines[2]).toMatch(/^fault .*not writable/);
  });

  it("says what each host starts, which of its files are missing, and what to run", async () => {
    const { home, fileOf, write, report } = await scene();
    const main = join(home, "artifacts-mcp", "dist", "main.js");
    await mkdir(dirname(main), { recursive: true });
    await writeFile(main, "");
    await write("cursor", entry(process.execPath, main));
    await write("claude-code", entry("/none/node", main));
    await write("gemini", "{}");
    await write("qwen", '{ "mcpServers": { "artifacts": { "command": "other", "args": ["--x"] } } }');
    const broken = join(home, "broken", "dist", "main.js");
    await mkdir(dirname(broken), { recursive: true });
    await writeFile(broken, 'console.error("artifacts-mcp: this is why"); process.exit(1);');
    await writeFile(join(home, "broken", "package.json"), '{ "name": "artifacts-mcp" }');
    await write("copilot", entry(process.execPath, broken));
    // The `dist/main.js` of another program is not started.
    const other = join(home, "weather", "dist", "main.js");
    await mkdir(dirname(other), { recursive: true });
    await writeFile(other, 'require("node:fs").writeFileSync(__filename + ".started", "");');
    await writeFile(join(home, "weather", "package.json"), '{ "name": "weather" }');
    await write("opencode", JSON.stringify({ mcp: { weather: { command: [process.execPath, other] } } }));
    await write("claude-desktop", entry("node", "dist/main.js"));
    await write("zed", "{ // mine");
    await mkdir(dirname(fileOf("codex")));
    const { isSound, lines } = await report();
    expect(isSound).toBe(false);
    const of = (title: string) => lines.filter((line) => line.includes(`${title}: `));
    expect(of("Cursor")).toEqual([
      `ok    Cursor: ${fileOf("cursor")} starts "files" by ${process.execPath} ${main} --root /x`,
    ]);
    expect(of("Claude Code")[0]).toMatch(
      /^fault .*; \/none\/node is not there: run `artifacts-mcp setup claude-code --write`$/,
    );
    for (const title of ["Gemini CLI", "Codex"])
      expect(of(title)[0]).toMatch(/^note .*not set up in .*; run `.* --write`$/);
    expect(of("Qwen Code")[0]).toMatch(/^note .*starts another program \(other --x\); run `.* --write --name NAME`$/);
    expect(of("Copilot CLI")[0]).toMatch(/^fault .*it does not start: artifacts-mcp: this is why$/);
    expect(of("Claude Desktop")[0]).toMatch(/^note .*a desktop program may not find it/);
    expect(of("opencode")[0]).toMatch(/^note .*not set up/);
    expect(await readdir(dirname(other))).toEqual(["main.js"]);
    expect(of("Zed")[0]).toMatch(/^fault .*settings\.json is not valid JSON \(.*\): correct it first$/);
    expect(lines.at(-1)).toBe("note  not found for this user: vscode");
  });
});
