import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { bundleProgram } from "../../../scripts/build.mjs";
import { openLocalConnection } from "../../../src/engines/sqlite/database/local-connection.js";
import { openKeyvMetadataStore } from "../../../src/engines/sqlite/keyv-metadata-store.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

const NODE_PATH = fileURLToPath(new URL("../../../node_modules", import.meta.url));
const processes = 6;
const changes = 200;

async function buildProgram() {
  const folder = await temporaryDirectory();
  const program = join(folder, "changing-process.mjs");
  await bundleProgram("test/engines/sqlite/changing-process.ts", program);
  return { program, file: join(folder, "metadata.sqlite") };
}

const start = (program: string, ...args: string[]) =>
  spawn(process.execPath, [program, ...args], {
    env: { ...process.env, NODE_PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });

async function run(program: string, ...args: string[]): Promise<void> {
  const child = start(program, ...args);
  const errors: Buffer[] = [];
  child.stderr.on("data", (data: Buffer) => errors.push(data));
  const [code] = await once(child, "close");
  expect(Buffer.concat(errors).toString()).toBe("");
  expect(code).toBe(0);
}

async function openForTest(file: string) {
  const store = await openKeyvMetadataStore(file, silentLog);
  onTestFinished(() => store.close());
  return store;
}

it("several processes make a database and change the same rows, and no change is lost or half made", async () => {
  const { program, file } = await buildProgram();
  const names = Array.from({ length: processes }, (_, n) => `process ${n}`);
  await Promise.all(names.map((name) => run(program, file, name, String(changes))));

  const store = await openForTest(file);
  const total = processes * changes;
  expect(await store.getMany(["sum\ta", "sum\tb"])).toEqual([String(total), String(total)]);
  const rows = await store.range("row\t", { limit: total + 1 });
  // Each change has seen a different sum.
  expect(new Set(rows.map(({ text }) => text)).size).toBe(total);
  const pieces = await store.listPieces({ limit: total + 1 });
  expect(pieces.map(({ name }) => `row\t${name}`)).toEqual(rows.map(({ key }) => key));
  expect(new Set(pieces.map(({ bytes }) => bytes))).toEqual(new Set([1_000]));
  expect(await store.checkIntegrity()).toEqual([]);

  const connection = await openLocalConnection(file);
  onTestFinished(() => connection.close());
  expect(await connection.all("PRAGMA auto_vacuum")).toEqual([{ auto_vacuum: 2 }]);
  expect((await stat(`${file}-wal`)).size).toBeLessThan(9 * 1024 * 1024);
});

it("processes that are killed at any moment leave each change made or not made, and block nobody", async () => {
  const { program, file } = await buildProgram();
  const store = await openForTest(file);
  const pieceCount = async (): Promise<number> => (await store.listPieces({ limit: 100_000 })).length;
  for (let round = 0; round < 5; round += 1) {
    const before = await pieceCount();
    const children = [0, 1].map((n) => start(program, file, `round ${round} process ${n}`, "1000000"));
    await expect.poll(pieceCount).toBeGreaterThan(before + 20);
    await delay(Math.random() * 20);
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
    const [a, b] = await store.getMany(["sum\ta", "sum\tb"]);
    const pieces = await store.listPieces({ limit: 100_000 });
    expect([a, b]).toEqual([String(pieces.length), String(pieces.length)]);
    const rows = await store.range("row\t", { limit: 100_000 });
    expect(pieces.map(({ name }) => `row\t${name}`)).toEqual(rows.map(({ key }) => key));
    expect(await store.change([{ key: "alive", old: undefined, next: undefined }])).toBe(true);
  }
  expect(await store.checkIntegrity()).toEqual([]);
});
