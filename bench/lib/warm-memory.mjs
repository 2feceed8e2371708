import { open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./commands.mjs";
import { MiB } from "./sizes.mjs";

const zeros = Buffer.alloc(4 * MiB);
/** Memory of the programs themselves. */
const otherBytes = 64 * MiB;

/**
 * Uses so much of the machine's memory, and frees it again. If a virtual machine has not used some memory lately, the
 * first write to it is many times slower: then the result would depend on which subject gets such memory. Call this last
 * before the clock starts, because the machine gives free memory back within seconds.
 *
 * Then waits until the disk has finished older work, like removed files: the next sync would wait for it.
 *
 * @param {string} folder of the disk that is written to next @param {number} bytes
 */
export async function warmMemory(folder, bytes) {
  const path = join(folder, "warm");
  const file = await open(path, "w");
  for (let done = 0; done < bytes + otherBytes; done += zeros.length) await file.write(zeros);
  await file.close();
  await unlink(path); // before the disk begins to write it
  await runCommand("sync");
}
