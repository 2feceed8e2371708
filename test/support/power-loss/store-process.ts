import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { bundleProgram } from "../../../scripts/build.mjs";
import { temporaryDirectory } from "../directories.js";
import type { Answer } from "../server-process.js";

export interface StoreProcess {
  readonly pid: number;
  /** Makes one call at a time, in the order in which `call` was called. */
  call(name: "copy" | "append" | "update" | "move", args: object): Promise<Answer>;
}

/** Starts `store-program.ts`. It is killed when the test ends. */
export async function startStoreProcess(root: string, keepVersions: number): Promise<StoreProcess> {
  const program = join(await temporaryDirectory(), "store.mjs");
  await bundleProgram("test/support/power-loss/store-program.ts", program);
  const env = { ...process.env, NODE_PATH: fileURLToPath(new URL("../../../node_modules", import.meta.url)) };
  const child = spawn(process.execPath, [program, root, String(keepVersions)], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const waiting: ((answer: Answer) => void)[] = [];
  createInterface(child.stdout).on("line", (line) => waiting.shift()?.(JSON.parse(line)));
  return {
    pid: child.pid ?? 0,
    call: (name, args) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        child.stdin.write(`${JSON.stringify({ name, args })}\n`);
      }),
  };
}
