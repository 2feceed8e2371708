import { spawnSync } from "node:child_process";
import { readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { expectRefusal, runCommand } from "../support/command.js";
import { temporaryDirectory } from "../support/directories.js";
import { copyOfBuild, installDriver, repository } from "../support/installation.js";

const needsDriver = (process.versions["sqlite"] ?? "0").localeCompare("3.51.3", "en", { numeric: true }) < 0;

describe("an incomplete installation", () => {
  const start = (main: string, root: string) => runCommand(["--root", root], {}, main);

  it.skipIf(!needsDriver)("without a driver says in one line what to install, and creates nothing", async () => {
    const folder = await temporaryDirectory();
    const main = await copyOfBuild(folder);
    expectRefusal(start(main, join(folder, "store")), 1, process.version, "npm install @photostructure/sqlite@1.2.1");
    expect(await readdir(folder)).toEqual(["dist"]);
    const { status, stdout } = spawnSync(process.execPath, [main, "--version"], { encoding: "utf8" });
    expect([status, stdout]).toEqual([0, `${packageJson.version}\n`]);
  });

  it.skipIf(!needsDriver)("with a driver that does not load says why", async () => {
    const folder = await temporaryDirectory();
    const main = await copyOfBuild(folder);
    await installDriver(folder);
    await rm(join(folder, "node_modules", "@photostructure", "sqlite", "prebuilds"), { recursive: true });
    expectRefusal(start(main, join(folder, "store")), 1, "again", "cannot be used", "No native build");
  });

  it("with a truncated program says so", async () => {
    const main = await copyOfBuild(await temporaryDirectory());
    const bundle = join(dirname(main), "server.cjs");
    const { size } = await stat(bundle);
    for (const bytes of [size - 1_000, Math.floor(size / 2), 0]) {
      await truncate(bundle, bytes);
      expectRefusal(start(main, "/none"), 1, "half installed");
    }
  });

  it.each(["server.cjs", "sqlite-thread.cjs", "digest-thread.cjs", "analysis-thread.cjs", "commands.cjs"])(
    "without %s says so",
    async (name) => {
      const folder = await temporaryDirectory();
      const main = await copyOfBuild(folder);
      await rm(join(folder, "dist", name));
      expectRefusal(start(main, join(folder, "store")), 1, "half installed");
      expect(await readdir(folder)).toEqual(["dist"]);
    },
  );
});

describe("the package", () => {
  it("has no dependencies, and its checkout needs no native sqlite3", async () => {
    expect(packageJson).not.toHaveProperty("dependencies");
    expect(packageJson.peerDependenciesMeta).toEqual({ "@photostructure/sqlite": { optional: true } });
    const lock = JSON.parse(await readFile(join(repository, "package-lock.json"), "utf8"));
    const sqlite3 = Object.entries<{ name?: string }>(lock.packages).filter(([path]) => path.endsWith("/sqlite3"));
    expect(sqlite3.map(([, { name }]) => name)).toEqual(["@photostructure/sqlite"]);
  });

  it("contains the bundle, the licences and the documents, and runs after its installation", async () => {
    const folder = await temporaryDirectory();
    const packed = spawnSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
      encoding: "utf8",
    });
    const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    for (const path of [
      "dist/main.js",
      "dist/server.cjs",
      "dist/THIRD-PARTY-LICENSES.txt",
      "README.md",
      "LICENSE",
      "mcp.json",
    ]) {
      expect(paths).toContain(path);
    }
    expect(paths.filter((path) => /\.bytecode$|^(?:src|test|scripts|bench|node_modules)\//.test(path))).toEqual([]);
    spawnSync("tar", ["-xzf", join(folder, filename), "-C", folder]);
    await installDriver(join(folder, "package"));
    const main = join(folder, "package", "dist", "main.js");
    const ran = spawnSync(process.execPath, [main, "--root", join(folder, "store")], { encoding: "utf8", input: "" });
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain("started");
  });
});
