import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

/** Runs a command of this machine to its end. @param {string} program @param {readonly string[]} args */
export async function runCommand(program, ...args) {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [code, signal] = await once(child, "exit");
  if (code !== 0) throw new Error(`${program} ended: ${code ?? signal}`);
}

/** Whether this machine has a program. @param {string} program @param {string} flag with which it does nothing and ends */
export function isInstalled(program, flag = "--version") {
  return spawnSync(program, [flag], { stdio: "ignore" }).status === 0;
}

/**
 * Starts a program, and runs `use` after its first line of output. Ends the program after that.
 *
 * @template Result
 * @param {readonly string[]} command @param {(firstLine: string) => Promise<Result>} use gets this line @returns {Promise<Result>}
 */
export async function whileRunning([program = "", ...args], use) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  try {
    const failed = exited.then(([code]) => {
      throw new Error(`${program} ended: ${code}`);
    });
    const [line] = await Promise.race([once(child.stdout, "data"), failed]);
    return await Promise.race([use(String(line).trim()), failed]);
  } finally {
    child.kill();
    await exited;
  }
}
