import { getEventListeners } from "node:events";
import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { OutputError } from "../../../src/cli/terminal/stdout.js";
import { createTerminal, ReaderGone } from "../../../src/cli/terminal/terminal.js";

/** A stdout on which each write fails with this code. */
function failing(code: string): Writable {
  return new Writable({
    write: (_bytes, _encoding, done) => done(Object.assign(new Error(`${code}: write`), { code })),
  });
}

describe("print()", () => {
  it("goes on when nobody reads, unless the command only prints", async () => {
    const quiet = createTerminal(failing("EPIPE"), new PassThrough());
    await quiet.print("a");
    await quiet.print("b"); // the stream is destroyed by now
    const printer = createTerminal(failing("EPIPE"), new PassThrough(), { isPrinter: true });
    await expect(printer.print("a")).rejects.toThrow(ReaderGone);
  });

  it("says that a full disk takes nothing", async () => {
    const terminal = createTerminal(failing("ENOSPC"), new PassThrough());
    await expect(terminal.print("a")).rejects.toThrow(OutputError);
  });

  it("leaves no listener behind", async () => {
    const stdout = new PassThrough();
    const { signal } = new AbortController();
    const terminal = createTerminal(stdout, new PassThrough(), { signal });
    for (let n = 0; n < 20; n += 1) await terminal.print("a");
    expect(stdout.listenerCount("error")).toBe(0);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    const gone = failing("EPIPE");
    for (let n = 0; n < 20; n += 1) await createTerminal(gone, new PassThrough()).print("a");
    expect(gone.listenerCount("error")).toBe(1);
  });

  it("ends with the signal while the reader takes nothing, before and after it has aborted", async () => {
    const stalled = new Writable({ write: () => undefined });
    const stopping = new AbortController();
    const terminal = createTerminal(stalled, new PassThrough(), { signal: stopping.signal });
    const printing = terminal.print("a");
    stopping.abort();
    await expect(printing).rejects.toBe(stopping.signal.reason);
    await expect(terminal.print("b")).rejects.toBe(stopping.signal.reason);
  });
});

it("problem() writes one line, whatever its text has", () => {
  const stderr = new PassThrough();
  createTerminal(new PassThrough(), stderr).problem("a\nb\u001b[2J");
  expect(String(stderr.read())).toBe("artifacts-mcp: a\\u000ab\\u001b[2J\n");
});
