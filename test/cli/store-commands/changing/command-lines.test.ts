import { expect, it } from "vitest";
import { readCommand } from "../../../../src/cli/options/command-line.js";
import { ConfigError } from "../../../../src/cli/options/config-error.js";
import { storeCommands } from "../../../../src/cli/store-commands/store-commands.js";

/** Checks a command line as the program does before it opens the store. */
async function check(args: readonly string[]): Promise<void> {
  const command = readCommand([...args, "--root", "/nowhere"], {});
  if (command.kind !== "store") throw new Error(`${args[0]} is no command on a store`);
  (await storeCommands[command.config.command]()).check(command.config);
}

it.each<[string[], string]>([
  [["cp", "a/k"], "two addresses"],
  [["cp", "a/k", "b/", "c/"], "two addresses"],
  [["cp", "a", "b/"], "a names a bucket: cp -r"],
  [["mv", "a/folder/", "b/"], "a/folder/ names a folder: mv -r"],
  [["cp", "a/k", "b/k@2"], "names a version"],
  [["cp", "a/k", "a/"], "a/k is both source and target: cp BUCKET/KEY@VERSION"],
  [["mv", "a/k@1", "a/k"], "a/k is both source and target"],
  [["cp", "-r", "a/k@2", "b/"], "names a version"],
  [["mv", "-r", "a/k", "a/k/in"], "into itself"],
  [["mv", "-r", "a/", "a/in"], "into itself"],
  [["cp", "-r", "s3://a/k", "s3://a/k/"], "into itself"],
  [["cp", "s3://runs/r.txt", "r2.txt"], 'run "artifacts-mcp get s3://runs/r.txt r2.txt"'],
  [
    ["mv", "-r", "artifact://runs/r", "r2"],
    'run "artifacts-mcp get -r artifact://runs/r r2", and "artifacts-mcp rm -r',
  ],
  [["cp", "r.txt", "s3://runs/"], 'run "artifacts-mcp put r.txt s3://runs/"'],
  [["cp", "package.json", "runs/"], 'run "artifacts-mcp put package.json runs/"'],
  [["cp", "--overwrite", "a/k", "b/"], "unknown option --overwrite"],
  [["cp", "./a file", "b/"], "run \"artifacts-mcp put './a file' b/\""],
  [["cp", "-r", "C:\\results", "b/"], "run \"artifacts-mcp put -r 'C:\\results' b/\""],
  [["mv", "file:///tmp/x", "b/"], 'put file:///tmp/x b/", and remove the file'],
  [["mv", "-r", "a/x", "."], 'run "artifacts-mcp get -r a/x .", and "artifacts-mcp rm -r a/x"'],
  [["cp", "~/x", "../y"], "are paths of this machine"],
  [["rm"], "one address"],
  [["rm", "a/k", "a/l"], "one address"],
  [["rm", "a"], "a names a bucket: rm -r"],
  [["rm", "a/folder/"], "a/folder/ names a folder: rm -r"],
  [["rm", "-ry", "a/k@1"], "names a version"],
  [["rm", "./k"], "rm deletes BUCKET/KEY in the store"],
  [["bucket", "remove", "a"], "ls, show and set"],
  [["bucket", "ls", "a"], "bucket show a"],
  [["bucket", "show"], "the name of one bucket"],
  [["bucket", "set", "a", "b", "--max-age", "1d"], "the name of one bucket"],
  [["bucket", "set", "a"], "--max-age, --max-bytes"],
  [["bucket", "set", "a b", "--max-age", "1d"], "no name of a bucket"],
  [["bucket", "--max-age", "1d"], "go with bucket set NAME"],
  [["bucket", "show", "a", "--max-bytes", "1"], "go with bucket set NAME"],
  [["bucket", "set", "a", "--max-age", "0s"], "--max-age must be a duration from 1s to 3650d"],
  [["bucket", "set", "a", "--max-age", "3651d"], "--max-age must be a duration from 1s to 3650d"],
  [["bucket", "set", "a", "--max-age", "1w"], "--max-age must be a duration from 1s to 3650d"],
  ...["0", "-1", "1.5", "10XB", "10iB", "1e3", "10 GB", "9PB", "10000TB", ""].map((text): [string[], string] => [
    ["bucket", "set", "a", `--max-bytes=${text}`],
    "--max-bytes must be a number of bytes",
  ]),
])("%j is refused before the store is opened", async (args, part) => {
  await expect(check(args)).rejects.toThrow(ConfigError);
  await expect(check(args)).rejects.toThrow(part);
});

it.each([
  ["1", 1],
  ["500000", 500_000],
  ["10kb", 10_000],
  ["10GB", 1e10],
  ["1.5GiB", 1.5 * 1024 ** 3],
  ["2TiB", 2 * 1024 ** 4],
  ["7B", 7],
  ["none", "none"],
])("--max-bytes %s is %s", (text, expected) => {
  const command = readCommand(["bucket", "set", "a", "--max-bytes", text], {});
  if (command.kind !== "store") throw new Error("bucket is no command on a store");
  expect(command.config.options.one("max-bytes")).toBe(expected);
});

it.each([
  ["1s", 1],
  ["36h", 129_600],
  ["3650d", 315_360_000],
  ["none", "none"],
])("--max-age %s is %s", (text, expected) => {
  const command = readCommand(["bucket", "set", "a", "--max-age", text], {});
  if (command.kind !== "store") throw new Error("bucket is no command on a store");
  expect(command.config.options.one("max-age")).toBe(expected);
});
