import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { builtServer, initialize, toolCall } from "../support/server-process.js";

/** Longer than one read. Two lines hold it, and both must come out of the shared buffer whole. */
const content = "0123456789abcdef".repeat(20_000);
const save = (id: number, key: string, text: string) =>
  toolCall(id, "save_artifact", { bucket: "b", key, content: text });
const messages = [initialize, save(2, "large", content), save(3, "small", "a"), save(4, "larger", content.repeat(3))];
const lines = messages.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join("");

describe("standard input", () => {
  const kinds: [string, (path: string, command: string[]) => string][] = [
    [
      "a file",
      (path, command) => {
        const file = openSync(path, "r");
        try {
          return run(command, file);
        } finally {
          closeSync(file);
        }
      },
    ],
    ["a pipe", (path, command) => run(["sh", "-c", 'cat "$0" | "$@"', path, ...command], "ignore")],
    [
      "a pipe that brings a little at a time",
      (path, command) => run(["sh", "-c", 'dd if="$0" bs=777 2>/dev/null | "$@"', path, ...command], "ignore"),
    ],
  ];

  it.each(kinds)("as %s is read to its end", async (_, serve) => {
    const directory = await temporaryDirectory();
    const path = join(directory, "lines");
    await writeFile(path, lines);
    const text = serve(path, [process.execPath, builtServer, "--root", join(directory, "store")]);
    const answers = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers.map(({ id }) => id).sort()).toEqual([0, 2, 3, 4]);
    const bytes = answers.map(({ id, result }) => [id, result.structuredContent?.bytes]).sort();
    expect(bytes).toEqual([
      [0, undefined],
      [2, content.length],
      [3, 1],
      [4, 3 * content.length],
    ]);
  });
});

function run([program = "", ...args]: readonly string[], stdin: number | "ignore"): string {
  const { stdout, status } = spawnSync(program, args, { stdio: [stdin, "pipe", "ignore"] });
  expect(status).toBe(0);
  return stdout.toString();
}
