import { expect, it } from "vitest";
import { readCommand } from "../../../src/cli/options/command-line.js";
import { commandWords } from "../../../src/cli/options/command-names.js";
import { meantCommand, meantOption } from "../../../src/cli/options/foreign-words.js";
import { optionNames, options } from "../../../src/cli/options/option-table.js";

const said = (...args: string[]): string => {
  try {
    readCommand(args, {});
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

it.each([
  ["mb", /^unknown command "mb": put saves/],
  ["rb", /rm -r BUCKET\//],
  ["mirror", /: sync /],
  ["find", /: search /],
  ["stat", /: describe /],
  ["LIST", /: ls /],
  ["presign", /--http/],
  ["s3", /leave the word s3 out/],
  ["frobnicate", /the commands are ls, tree/],
  ["constructor", /the commands are ls, tree/],
  ["lss", /^unknown command "lss": ls is the nearest one, see --help; a directory/],
  ["serach", /: search is the nearest one/],
  ["cta", /: cat is the nearest one/],
  ["Verify", /: verify is the nearest one/],
  ["s3://b/k", /is an address: a command comes first/],
])("%s says what does the work", (word, message) => {
  expect(said(word)).toMatch(message);
});

it("no command has the name of a foreign word", () => {
  expect(commandWords.filter((word) => meantCommand(word) !== undefined)).toEqual([]);
});

it("an unknown command is told before its options", () => {
  expect(said("find", "runs", "-name", "*.md")).toMatch(/^unknown command "find": search/);
  expect(said("lss", "--json")).toMatch(/: ls is the nearest one/);
});

it("options of a command may come before it, and nothing else", () => {
  expect(readCommand(["--root", "ls", "--json", "tree", "b"], {})).toMatchObject({
    kind: "store",
    config: { command: "tree", root: expect.stringMatching(/ls$/), words: ["b"] },
  });
  expect(readCommand(["--help", "ls"], {})).toEqual({ kind: "help", of: "ls" });
  expect(said("--read-only", "ls")).toMatch(/^"ls" must be the first word/);
  expect(said("--json")).toMatch(/^--json is an option of ls and others: write the command first/);
  expect(said("./x", "ls")).toMatch(/^"ls" must be the first word/);
});

it("-h prints the help of a command", () => {
  expect(readCommand(["ls", "-h"], {})).toEqual({ kind: "help", of: "ls" });
});

it.each([
  [["ls", "-R"], /^unknown option -R: -r takes a whole folder; allowed are --root /],
  [["ls", "--human-readable"], /--long; allowed/],
  [["cat", "--version-id", "3", "b/k"], /BUCKET\/KEY@VERSION/],
  [["ls", "--frobnicate"], /^unknown option --frobnicate: allowed are --root /],
] as const)("%j says what does the work", (args, message) => {
  expect(said(...args)).toMatch(message);
});

it("no command has an option that another program is said to have in its place", () => {
  const own = optionNames.flatMap((name) => [`--${name}`, `-${options[name].short}`]);
  expect(own.filter((name) => meantOption(name) !== undefined)).toEqual([]);
});
