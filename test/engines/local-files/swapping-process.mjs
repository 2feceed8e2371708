import { renameSync, rmSync, symlinkSync, unlinkSync } from "node:fs";

/*
 * node swapping-process.mjs <directory> <aside> <outside>: again and again replaces the directory by a symlink to
 * another one, and puts it back, until it is killed. Writes `ready` when it begins.
 */
const [, , directory = "", aside = "", outside = ""] = process.argv;
const clock = new Int32Array(new SharedArrayBuffer(4));

/** Puts something in the place of the directory, also if the tested process has just made a directory there. */
function put(/** @type {() => void} */ act) {
  for (;;) {
    try {
      return act();
    } catch (error) {
      if (!["EEXIST", "ENOTEMPTY", "EISDIR", "EPERM"].includes(/** @type {any} */ (error).code)) throw error;
      rmSync(directory, { recursive: true, force: true, maxRetries: 100, retryDelay: 1 }); // it may just be filled
    }
  }
}

process.stdout.write("ready");
for (let time = 0; ; time += 1) {
  renameSync(directory, aside);
  put(() => symlinkSync(outside, directory));
  put(() => unlinkSync(directory));
  put(() => renameSync(aside, directory));
  // Sometimes the directory stays long enough for a call to succeed.
  if (time % 20 === 0) Atomics.wait(clock, 0, 0, Math.random() * 20);
}
