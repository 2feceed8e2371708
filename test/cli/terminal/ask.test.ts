import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { askYes } from "../../../src/cli/terminal/ask.js";

function createDialog() {
  const [input, output] = [new PassThrough(), new PassThrough()];
  return { input, output };
}

it.each([
  ["y\n", true],
  ["Yes\n", true],
  [" y \n", true],
  ["\n", false],
  ["n\n", false],
  ["yesterday\n", false],
  ["", false],
])("askYes() takes the answer %j as %s", async (answer, expected) => {
  const dialog = createDialog();
  dialog.input.end(answer);
  expect(await askYes("Delete all?", dialog, new AbortController().signal)).toBe(expected);
  expect(String(dialog.output.read())).toContain("Delete all? [y/N] ");
});

it("askYes() ends when it is aborted", async () => {
  const stopping = new AbortController();
  const asked = askYes("Delete all?", createDialog(), stopping.signal);
  stopping.abort();
  await expect(asked).rejects.toBe(stopping.signal.reason);
});
