import { expect, it } from "vitest";
import { readCommand } from "../../../src/cli/options/command-line.js";
import { storeCommandNames } from "../../../src/cli/options/command-names.js";

const environment = { HOME: "/home", ARTIFACTS_BUCKET_PREFIX: "run7-" };
const prefixOf = (args: readonly string[]): unknown => {
  const command = readCommand(args, environment);
  return "config" in command && "bucketPrefix" in command.config ? command.config.bucketPrefix : undefined;
};

it("servers and the commands on artifacts obey the prefix of the environment, and the command line wins", () => {
  expect(prefixOf([])).toBe("run7-");
  expect(prefixOf(["ls"])).toBe("run7-");
  expect(prefixOf(["ls", "--bucket-prefix", "run8-"])).toBe("run8-");
  const obeying = storeCommandNames.filter((name) => prefixOf([name, "b/k", "b/l"]) === "run7-");
  const ignoring = storeCommandNames.filter((name) => prefixOf([name, "b/k", "b/l"]) === "");
  expect(ignoring).toEqual(["bucket", "backup", "restore"]);
  expect([...obeying, ...ignoring].sort()).toEqual([...storeCommandNames].sort());
});

it("a command that is about the whole store does not take the option", () => {
  for (const name of ["bucket", "backup", "restore", "verify"]) {
    expect(() => readCommand([name, "--bucket-prefix", "run7-"], environment)).toThrow("bucket-prefix");
  }
});
