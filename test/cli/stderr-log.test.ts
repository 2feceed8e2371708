import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { createStderrLog } from "../../src/cli/stderr-log.js";

it.each(["ENOSPC", "EPIPE", "EIO"])(
  "a log whose stderr fails with %s ends nothing, and writes no more",
  async (code) => {
    const lines: string[] = [];
    let isFailing = false;
    const stderr = new Writable({
      autoDestroy: false, // as Node's own is
      decodeStrings: false,
      write(line: string, _encoding, done) {
        lines.push(line);
        done(isFailing ? Object.assign(new Error(code), { code }) : null);
      },
    });
    const log = createStderrLog(stderr, "info");
    log("info", "first", { n: 1 });
    isFailing = true;
    log("info", "second");
    await new Promise((resolve) => setImmediate(resolve));
    log("error", "third");
    expect(lines).toEqual([expect.stringContaining('info first {"n":1}\n'), expect.stringContaining("info second\n")]);
  },
);
