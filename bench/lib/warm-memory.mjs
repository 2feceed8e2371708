import { open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./commands.mjs";
import { MiB } from "./sizes.mjs";

const zeros = Buffer.alloc(4 * MiB);
/** For the programs themselves. */
const otherBytes = 64 * MiB;

/**
 * Uses so much of the machine's memory and gives it back. Memory that a virtual machine has not used lately costs a
 * fault in its host, many times what it costs to write it: without this, the chance of who gets such memory is measured.
 * So it comes last before the clock starts: the machine gives what is free back to its host within seconds.
 * Then waits until the disk has done what others have left it, files that were removed for one: who syncs would pay.
 *
 * @param {string} folder of the disk that is written to next @param {number} bytes
 */
export async function warmMemory(folder, bytes) {
  const path = join(folder, "warm");
  const file = await open(path, "w");
  for (let done = 0; done < bytes + otherBytes; done += zeros.length) await file.write(zeros);
  await file.close();
  await unlink(path); // before the disk has begun with it
  await command("sync");
}
