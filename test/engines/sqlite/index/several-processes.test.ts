import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { bundleProgram } from "../../../../scripts/build.mjs";
import { openLocalConnection } from "../../../../src/engines/sqlite/database/local-connection.js";
import { openKeyvMetadataStore } from "../../../../src/engines/sqlite/keyv-metadata-store.js";
import { searchAll } from "../../../contracts/artifact-index-contract.js";
import { temporaryDirectory } from "../../../support/directories.js";
import { silentLog } from "../../../support/silent-log.js";

const NODE_PATH = fileURLToPath(new URL("../../../../node_modules", import.meta.url));

async function begin() {
  const folder = await temporaryDirectory();
  const [program, file] = [join(folder, "indexing-process.mjs"), join(folder, "metadata.sqlite")];
  await bundleProgram("test/engines/sqlite/index/indexing-process.ts", program);
  const store = await openKeyvMetadataStore(file, silentLog);
  onTestFinished(() => store.close());
  const pending = async (): Promise<number> => {
    const connection = await openLocalConnection(file, { busyTimeoutMs: 15_000 });
    const [row] = await connection.all<{ n: number }>("SELECT count(*) AS n FROM index_pending");
    await connection.close();
    return row?.n ?? 0;
  };
  const start = (name: string, count: number) => {
    const env = { ...process.env, NODE_PATH };
    const child = spawn(process.execPath, [program, file, name, String(count)], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (data: string) => {
      text += data;
    });
    /** How many artifacts were acknowledged. */
    return { child, name, acknowledged: () => text.split("\n").length - 1 };
  };
  return { store, start, pending };
}

const artifacts = 300;

/** The keys of a process after its first artifacts. */
const keysOf = (name: string, saved: number): string[] =>
  Array.from({ length: saved }, (_, n) => n)
    .filter((n) => n % 15 !== 0)
    .map((n) => `b/${name}/${n}`);

it("several processes feed and search one index, and each search finds what was acknowledged, once", async () => {
  const { store, start, pending } = await begin();
  const processes = ["one", "two", "three"].map((name) => start(name, artifacts));
  while (processes.some(({ child }) => child.exitCode === null)) {
    const before = processes.flatMap(({ name, acknowledged }) => keysOf(name, acknowledged()));
    const found = await searchAll(store, { words: ["common"], limit: 500, order: "key" });
    expect(new Set(found).size).toBe(found.length);
    const all = new Set(found);
    expect(before.filter((key) => !all.has(key))).toEqual([]);
    await setImmediate(); // reads never wait, so without this no other event would be seen
  }
  expect(processes.map(({ child }) => child.exitCode)).toEqual([0, 0, 0]);
  const all = processes.flatMap(({ name }) => keysOf(name, artifacts)).sort();
  expect((await searchAll(store, { words: ["common"] })).sort()).toEqual(all);
  expect(await searchAll(store, { words: ["own-two-299."] })).toEqual(["b/two/299"]);
  expect(await searchAll(store, { words: ["own-two-20."] })).toEqual([]);
  expect(await searchAll(store, { words: ["edited-two-20."] })).toEqual(["b/two/20"]);
  expect(await pending()).toBeLessThan(artifacts); // most were fed: by each process before its end, or by another one
  expect(await store.checkIndex()).toEqual([]);
  expect(await store.checkIntegrity()).toEqual([]);
});

it("processes that are killed while they feed leave an index that finds everything", async () => {
  const { store, start } = await begin();
  const acknowledged: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    const running = [0, 1].map((n) => start(`r${round}-${n}`, 1_000_000));
    await expect.poll(() => running.every((each) => each.acknowledged() > 100 + 40 * round)).toBe(true);
    for (const { child } of running) child.kill("SIGKILL");
    await Promise.all(running.map(({ child }) => child.exitCode ?? child.signalCode ?? once(child, "close")));
    acknowledged.push(...running.flatMap((each) => keysOf(each.name, each.acknowledged())));
    const found = new Set(await searchAll(store, { words: ["common"], limit: 500 }));
    expect(acknowledged.filter((key) => !found.has(key))).toEqual([]);
    expect(await store.checkIndex()).toEqual([]);
  }
  expect(await store.checkIntegrity()).toEqual([]);
});
