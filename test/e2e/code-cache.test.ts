import { spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { bundleScript } from "../../src/cli/launch/bundle-script.js";
import { runCommand } from "../support/command.js";
import { temporaryDirectory } from "../support/directories.js";
import { copyOfBuild, installDriver } from "../support/installation.js";
import { builtServer, initialize, spawnRawAt } from "../support/server-process.js";

describe("the bytecode", () => {
  it("is built for this Node, and used by it", () => {
    const found = bundleScript(join(dirname(builtServer), "server.cjs"));
    expect(found?.script.cachedDataRejected).toBe(false);
  });

  it("may be missing or built for another Node, and the command still starts", async () => {
    const folder = await temporaryDirectory();
    const main = await copyOfBuild(folder);
    const names = (await readdir(dirname(main))).filter((name) => name.endsWith(".bytecode"));
    expect(names).toEqual([`server.cjs.${process.version}-${process.arch}.bytecode`]);
    const bytecode = join(dirname(main), names[0] ?? "");
    const { length } = await readFile(bytecode);
    for (const text of [Buffer.alloc(0), Buffer.from("another Node's"), Buffer.alloc(length)]) {
      await writeFile(bytecode, text);
      expect(runCommand(["--version"], {}, main).stdout).toBe(`${packageJson.version}\n`);
    }
    await rm(bytecode);
    expect(runCommand(["--version"], {}, main).stdout).toBe(`${packageJson.version}\n`);
  });

  it("is not used if any one bit is damaged", async () => {
    const main = await copyOfBuild(await temporaryDirectory());
    const bundle = join(dirname(main), "server.cjs");
    const bytecode = `${bundle}.${process.version}-${process.arch}.bytecode`;
    const whole = await readFile(bytecode);
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 40)) {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      await writeFile(bytecode, damaged);
      expect(bundleScript(bundle)?.script.cachedDataRejected).toBeUndefined();
    }
    expect(runCommand(["--version"], {}, main).stdout).toBe(`${packageJson.version}\n`);
  });

  it("is not used if it belongs to another bundle of the same length", async () => {
    const main = await copyOfBuild(await temporaryDirectory());
    const bundle = join(dirname(main), "server.cjs");
    const text = await readFile(bundle, "latin1");
    await writeFile(bundle, text.replaceAll(`"${packageJson.version}"`, '"7.7.7"'), "latin1");
    expect(runCommand(["--version"], {}, main).stdout).toBe("7.7.7\n");
  });
});

/** An installed package without bytecode, and a cache folder for the user. */
async function install() {
  const folder = await temporaryDirectory();
  const main = await copyOfBuild(folder);
  await installDriver(folder);
  const beside = dirname(main);
  const bundle = join(beside, "server.cjs");
  const cache = join(folder, "cache", "artifacts-mcp");
  for (const name of await readdir(beside)) if (name.endsWith(".bytecode")) await rm(join(beside, name));
  const environment = { XDG_CACHE_HOME: join(folder, "cache"), LOCALAPPDATA: join(folder, "cache") };
  return {
    beside,
    cache,
    bundle,
    main,
    environment,
    serve: () => runCommand(["--root", join(folder, "store")], environment, main),
    /** The names of the files with bytecode. */
    async found(where: string): Promise<string[]> {
      const names = await readdir(where).catch(() => []);
      return names.filter((name) => name.includes(".bytecode"));
    },
    isTaken: () => bundleScript(bundle, cache)?.storeBytecode === undefined,
  };
}

describe.skipIf(process.platform !== "linux")("an installed package without bytecode", () => {
  it("has bytecode beside it after the first start, and the second start uses it", async () => {
    const { beside, cache, serve, found, isTaken } = await install();
    expect(isTaken()).toBe(false);
    expect(serve().status).toBe(0);
    const names = await found(beside);
    expect(names).toEqual([`server.cjs.${process.version}-${process.arch}.bytecode`]);
    expect(isTaken()).toBe(true);
    const { mtimeMs } = await stat(join(beside, names[0] ?? ""));
    expect(serve().status).toBe(0);
    expect((await stat(join(beside, names[0] ?? ""))).mtimeMs).toBe(mtimeMs);
    expect(await found(cache)).toEqual([]);
  });

  it("has bytecode while the first server still runs, so that kill -9 does not matter", async () => {
    const { beside, main, environment, found, isTaken } = await install();
    const server = spawnRawAt(main, ["--root", join(beside, "store")], environment);
    server.send(initialize);
    await server.answer(0);
    await expect.poll(() => found(beside), { interval: 200 }).toHaveLength(1);
    server.child.kill("SIGKILL");
    await server.exited;
    expect(isTaken()).toBe(true);
  });

  it("has bytecode in the user's cache folder if others can write to its own folder", async () => {
    const { beside, cache, serve, found, isTaken } = await install();
    await chmod(beside, 0o777);
    expect(serve().status).toBe(0);
    expect(await found(beside)).toEqual([]);
    expect(await found(cache)).toHaveLength(1);
    expect((await stat(cache)).mode & 0o777).toBe(0o700);
    expect(isTaken()).toBe(true);
  });

  it("uses no cache folder that others can write to", async () => {
    const { beside, cache, serve, found, isTaken } = await install();
    await chmod(beside, 0o777);
    expect(serve().status).toBe(0);
    expect(isTaken()).toBe(true);
    await chmod(cache, 0o777);
    expect(isTaken()).toBe(false);
    const [name = ""] = await found(cache);
    await rm(join(cache, name));
    expect(serve().status).toBe(0);
    expect([await found(beside), await found(cache)]).toEqual([[], []]);
  });

  it("uses no bytecode that others may have written, and writes it only for its owner, whatever the umask", async () => {
    const { beside, main, environment, found, isTaken } = await install();
    const options = { encoding: "utf8", input: "", env: { ...process.env, ...environment } } as const;
    const root = join(dirname(beside), "store");
    spawnSync("sh", ["-c", 'umask 0; exec "$@"', "sh", process.execPath, main, "--root", root], options);
    const [name = ""] = await found(beside);
    const path = join(beside, name);
    expect((await stat(path)).mode & 0o022).toBe(0);
    expect(isTaken()).toBe(true);
    await chmod(path, 0o666);
    expect(isTaken()).toBe(false);
  });

  it("leaves no bytecode that cannot be written whole", async () => {
    const { beside, cache, serve, bundle, found, isTaken } = await install();
    await mkdir(`${bundle}.${process.version}-${process.arch}.bytecode`); // a folder cannot be replaced by a file
    await writeFile(dirname(cache), "no folder");
    expect(serve().status).toBe(0);
    expect(await found(beside)).toHaveLength(1);
    expect(isTaken()).toBe(false);
  });

  it("gets no bytecode from a command that does not serve", async () => {
    const { beside, cache, main, environment, found } = await install();
    for (const word of ["--version", "--help"]) expect(runCommand([word], environment, main).status).toBe(0);
    expect([await found(beside), await found(cache)]).toEqual([[], []]);
  });
});
