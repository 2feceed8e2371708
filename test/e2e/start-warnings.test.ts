import { chmod, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCommand } from "../support/command.js";
import { temporaryDirectory } from "../support/directories.js";
import { startService } from "../support/http-process.js";

const isPosix = process.getuid !== undefined;

it.skipIf(!isPosix)(
  "a start warns of files that others can read or write, and of symlinks, in one line each",
  async () => {
    const root = join(await temporaryDirectory(), "store");
    const first = await startService(root);
    first.child.kill("SIGTERM");
    await first.exited;
    expect(first.stderr()).not.toContain(" warn ");
    await chmod(join(root, "signing-key"), 0o644);
    await chmod(root, 0o777);
    await rename(join(root, "content"), join(root, "..", "elsewhere"));
    await symlink(join(root, "..", "elsewhere"), join(root, "content"));

    const server = await startService(root);
    await server.heard(/ warn symlinked_content [^\n]*\n/); // the last warning
    const warned = server.stderr().match(/^\S+ warn .*$/gm) ?? [];
    expect(warned).toEqual([
      expect.stringMatching(/ warn writable_by_others \{"path":"[^"]*store","why":"[^"]*chmod go-w"\}$/),
      expect.stringMatching(/ warn readable_by_others \{"path":"[^"]*signing-key","why":"[^"]*chmod go-rwx[^"]*"\}$/),
      expect.stringMatching(
        / warn symlinked_content \{"path":"[^"]*content","why":"[^"]*move the folder here[^"]*"\}$/,
      ),
    ]);
    const { stdout } = runCommand(["doctor", "--root", root]);
    for (const name of ["store", "signing-key", "content"]) {
      expect(stdout).toMatch(new RegExp(`^note +[^\\n]*${name}: (?:other users|it is a symlink)`, "m"));
    }
  },
);
