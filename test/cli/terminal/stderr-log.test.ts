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

it("createStderrLog() drops lines while nobody reads stderr, and says later how many", async () => {
  const lines: string[] = [];
  let read = (): void => undefined;
  const stderr = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      read = done;
    },
  });
  const log = createStderrLog(stderr, "info");
  const text = "x".repeat(1_000);
  for (let n = 0; n < 5_000; n += 1) log("info", "saved", { text });
  expect(stderr.writableLength).toBeLessThan(1.1 * 1024 * 1024);
  while (stderr.writableLength > 0) {
    read();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const written = lines.length;
  expect(written).toBeGreaterThan(900);
  log("info", "saved", { text: "short" });
  read();
  await new Promise((resolve) => setImmediate(resolve));
  expect(lines.slice(written)).toEqual([
    expect.stringContaining(`warn log_lines_dropped {"lines":${5_000 - written}}`),
    expect.stringContaining("short"),
  ]);
});
