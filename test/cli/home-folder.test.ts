import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readCommand } from "../../src/cli/options/command-line.js";
import { homeFolder } from "../../src/cli/options/directories.js";

/** As the system has it: what HOME names is what somebody has set. */
const home = userInfo().homedir;
const isPosix = process.platform !== "win32";

function rootOf(args: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  const command = readCommand(args, environment);
  if (command.kind !== "serve") throw new Error("it does not serve");
  return command.config.root;
}

describe.skipIf(!isPosix).each(["", ".", "relative/home"])("with HOME=%j, which names no directory", (value) => {
  beforeEach(() => void vi.stubEnv("HOME", value));
  afterEach(() => void vi.unstubAllEnvs());

  it("the home directory is that of the passwd entry, wherever the server is started", () => {
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
});

it.each([["--root", "~bob"], ["--root", "~bob/x"], ["--allow-path", "~bob/x"], ["~bob/x"]])(
  "the home directory of somebody else is refused: %j %j",
  (...args) => {
    const given = args.filter((word) => word !== undefined);
    expect(() => rootOf(given)).toThrow(/"~bob.*give an absolute path, or \.\/~bob/);
    expect(rootOf(["--root", "./~bob"])).toBe(join(process.cwd(), "~bob"));
  },
);
