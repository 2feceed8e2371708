import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";

/** Whether strace is installed and may trace other processes. If not, tests that need it are skipped. */
export const canStrace =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  spawnSync("strace", ["-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"]).status === 0;
export const needsStrace = "(needs root and strace)";

/**
 * While `act` runs, every sync of `file` by process `pid` fails with EIO, and nothing is synced.
 *
 * @param isOnce only the first sync fails
 */
export async function withFailingSync<Result>(
  pid: number,
  file: string,
  isOnce: boolean,
  act: () => Promise<Result>,
): Promise<Result> {
  const inject = `inject=fsync,fdatasync:error=EIO${isOnce ? ":when=1" : ""}`;
  const args = ["-f", "-o", "/dev/null", "-P", file, "-e", "trace=fsync,fdatasync", "-e", inject, "-p", String(pid)];
  const strace = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(() => void strace.kill("SIGKILL"));
  const ended = once(strace, "close");
  let said = "";
  strace.stderr.setEncoding("utf8");
  while (!said.includes("attached")) {
    const [text] = await Promise.race([once(strace.stderr, "data"), ended]);
    if (strace.exitCode !== null) throw new Error(`strace ended: ${said}`);
    said += text;
  }
  strace.stderr.resume();
  try {
    return await act();
  } finally {
    strace.kill("SIGINT"); // strace detaches from the process
    await ended;
  }
}
