import { renameSync, symlinkSync, unlinkSync } from "node:fs";

/*
 * node swapping-process.mjs <directory> <aside> <outside>: again and again replaces the directory by a symlink to
 * another one, and puts it back, until it is killed. Writes `ready` when it begins.
 */
const [, , directory = "", aside = "", outside = ""] = process.argv;
const clock = new Int32Array(new SharedArrayBuffer(4));

process.stdout.write("ready");
for (let time = 0; ; time += 1) {
  renameSync(directory, aside);
  symlinkSync(outside, directory);
  unlinkSync(directory);
  renameSync(aside, directory);
  // Sometimes the directory stays long enough for a call to succeed.
  if (time % 20 === 0) Atomics.wait(clock, 0, 0, Math.random() * 20);
}
