import { spawnSync } from "node:child_process";
import { expect } from "vitest";
import { patience } from "./patience.js";
import { builtServer } from "./server-process.js";

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command until it ends, with an empty stdin. */
export function runCommand(args: readonly string[], environment: NodeJS.ProcessEnv = {}, main = builtServer): Ran {
  const options = { encoding: "utf8", input: "", env: { ...process.env, ...environment }, ...patience } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], options);
  return { status, stdout, stderr };
}

/** Expects one line on stderr that contains all of `parts`, nothing on stdout, and this exit status. */
export function expectRefusal(ran: Ran, status: number, ...parts: string[]): void {
  expect(ran.stderr).toMatch(/^artifacts-mcp: [^\n]+\n$/);
  for (const part of parts) expect(ran.stderr).toContain(part);
  expect(ran.stdout).toBe("");
  expect(ran.status).toBe(status);
}
