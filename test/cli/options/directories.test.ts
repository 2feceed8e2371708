import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readCommand } from "../../../src/cli/options/command-line.js";
import { homeFolder } from "../../../src/cli/options/directories.js";

/** From the passwd entry: HOME may name another one. */
const home = userInfo().homedir;
const isPosix = process.platform !== "win32";

function rootOf(args: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  const command = readCommand(args, environment);
  if (command.kind !== "serve") throw new Error("this is not the command serve");
  return command.config.root;
}

describe.skipIf(!isPosix).each(["", ".", "relative/home"])(
  "homeFolder() with HOME=%j, which is not an absolute path",
  (value) => {
    beforeEach(() => void vi.stubEnv("HOME", value));
    afterEach(() => void vi.unstubAllEnvs());

    it("returns the home directory of the passwd entry, and so do paths with ~", () => {
      expect(homeFolder()).toBe(home);
      expect(rootOf(["--root", "~/x"])).toBe(join(home, "x"));
      expect(rootOf(["--root", "~"])).toBe(home);
      expect(rootOf([], { ARTIFACTS_ROOT: "~/x" })).toBe(join(home, "x"));
      for (const XDG_DATA_HOME of ["", "relative"]) {
        const root = rootOf([], { XDG_DATA_HOME });
        expect(root.startsWith(home)).toBe(true);
        expect(root).toMatch(/artifacts-mcp$/);
      }
    });
  },
);

it.each([["--root", "~bob"], ["--root", "~bob/x"], ["--allow-path", "~bob/x"], ["~bob/x"]])(
  "absolutePath() refuses the home directory of another user: %j %j",
  (...args) => {
    const given = args.filter((word) => word !== undefined);
    expect(() => rootOf(given)).toThrow(/"~bob.*give an absolute path, or \.\/~bob/);
    expect(rootOf(["--root", "./~bob"])).toBe(join(process.cwd(), "~bob"));
  },
);
