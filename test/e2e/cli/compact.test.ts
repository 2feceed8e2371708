import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { openDataDirectory } from "../../../src/engines/data-directory.js";
import { runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { builtServer, startServer } from "../../support/server-process.js";
import { silentLog } from "../../support/silent-log.js";
import { storeOn } from "../../support/stores.js";

const mebibyte = 1024 * 1024;
const fileBytes = async (root: string): Promise<number> => (await stat(join(root, "metadata.sqlite"))).size;

/** A store whose database is nearly all free space: 600 artifacts were deleted, and one is left. */
async function emptiedStore(): Promise<string> {
  const root = join(await temporaryDirectory(), "store");
  const directory = await openDataDirectory(root, {}, silentLog);
  const store = storeOn(directory);
  const save = (key: string) =>
    store.artifacts.save({ bucket: "b", key, bytes: randomBytes(30_000), defaultMimeType: "text/plain" });
  const keys = Array.from({ length: 600 }, (_, n) => `k${n}`);
  await Promise.all(keys.map(save));
  await Promise.all(keys.map((key) => store.artifacts.delete("b", key)));
  await save("kept");
  await store.close();
  await directory.close();
  expect(await fileBytes(root)).toBeGreaterThan(15 * mebibyte);
  return root;
}

it("verify --compact shortens the file of the database while a server writes, and says by how much", async () => {
  const root = await emptiedStore();
  const before = await fileBytes(root);
  const server = await startServer(root);
  let isRunning = true;
  let saved = 0;
  const writing = (async () => {
    for (; isRunning; saved += 1) {
      const answer = await server.call("save_artifact", { bucket: "w", key: `k${saved}`, content: "text" });
      expect(answer.error).toBeUndefined();
    }
  })();
  const compacting = spawn(process.execPath, [builtServer, "verify", "--compact", "--root", root], { stdio: "pipe" });
  let stdout = "";
  compacting.stdout.on("data", (text) => {
    stdout += text;
  });
  expect(await once(compacting, "close")).toEqual([0, null]);
  isRunning = false;
  await writing;
  expect(saved).toBeGreaterThan(0);
  const after = await fileBytes(root);
  expect(after).toBeLessThan(4 * mebibyte);
  const [, from, to] = /^compacted: the database had (\d+) bytes, and has (\d+) now$/m.exec(stdout) ?? [];
  expect(Number(from)).toBeGreaterThanOrEqual(before);
  expect(Number(to)).toBeLessThan(4 * mebibyte);
  await server.close();
  expect(runCommand(["verify", "--root", root])).toMatchObject({ status: 0 });
});

it("verify --compact --json has the sizes beside the report", async () => {
  const root = await emptiedStore();
  const before = await fileBytes(root);
  const { status, stdout } = runCommand(["verify", "--compact", "--json", "--root", root]);
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ artifacts: 1, faults: [], compacted: { before_bytes: before } });
  expect(report.compacted.after_bytes).toBe(await fileBytes(root));
  expect(report.compacted.after_bytes).toBeLessThan(mebibyte);
  expect(JSON.parse(runCommand(["verify", "--json", "--root", root]).stdout)).not.toHaveProperty("compacted");
});

it("verify --compact can be killed at any moment, and goes on when it runs again", async () => {
  const root = await emptiedStore();
  for (let round = 0; round < 6; round += 1) {
    const compacting = spawn(process.execPath, [builtServer, "verify", "--compact", "--root", root], {
      stdio: "ignore",
    });
    await sleep(120 + round * 40 + Math.random() * 40);
    compacting.kill("SIGKILL");
    await once(compacting, "close");
    expect(runCommand(["verify", "--root", root])).toMatchObject({ status: 0, stderr: "" });
  }
  expect(runCommand(["verify", "--compact", "--root", root])).toMatchObject({ status: 0 });
  expect(await fileBytes(root)).toBeLessThan(mebibyte);
});

it("verify --compact leaves a damaged database as it is", async () => {
  const root = await emptiedStore();
  const file = await open(join(root, "metadata.sqlite"), "r+");
  const fewer = Buffer.from([0, 0, 0, 7]); // the number of free pages in the header, which was larger
  await file.write(fewer, 0, fewer.length, 36);
  await file.close();
  const before = await fileBytes(root);
  const { status, stdout, stderr } = runCommand(["verify", "--compact", "--root", root]);
  expect({ status, stdout, stderr }).toMatchObject({ status: 1 });
  expect(stdout).toContain("not compacted: the database is damaged\n");
  expect(await fileBytes(root)).toBe(before);
});
