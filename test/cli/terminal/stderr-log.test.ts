import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { createStderrLog } from "../../../src/cli/terminal/stderr-log.js";

it.each(["ENOSPC", "EPIPE", "EIO"])(
  "createStderrLog() writes no more after stderr has failed with %s, and throws nothing",
  async (code) => {
    const lines: string[] = [];
    let isFailing = false;
    const stderr = new Writable({
      autoDestroy: false, // as Node's own stderr
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
