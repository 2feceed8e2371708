import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";

/** Whether strace is there and may look into other processes: a test that needs it skips itself elsewhere. */
export const canStrace =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  spawnSync("strace", ["-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"]).status === 0;
export const needsStrace = "(needs root and strace)";

/**
 * While `act` runs, the system answers EIO to a process that syncs a file, and syncs nothing.
 *
 * @param isOnce only the first time
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
    strace.kill("SIGINT"); // it lets go of the process
    await ended;
  }
}
