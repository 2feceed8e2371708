import { chmod, chown, mkdir, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataDirectory } from "../../../src/engines/data-directory.js";
import { inspectSafety } from "../../../src/engines/disk/safety.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

const user = process.getuid?.();
const isRoot = user === 0;

async function madeStore(): Promise<string> {
  const root = join(await temporaryDirectory(), "store");
  const directory = await openDataDirectory(root, {}, silentLog);
  await directory.signingKey();
  await directory.close();
  return root;
}

/** The warnings, each as its event and its path below the root. Checks that each one says in one line what to do. */
async function warningsOf(root: string, as = user): Promise<string[]> {
  const warnings = await inspectSafety(root, as);
  for (const { why } of warnings) expect(why).toMatch(/^[^\n]+(?:chmod|chown|move the folder)[^\n]*$/);
  return warnings.map(({ event, path }) => `${event} ${path.slice(root.length)}`);
}

describe.skipIf(user === undefined)("inspectSafety()", () => {
  it("does not warn of a new store, nor of a missing directory", async () => {
    const root = await madeStore();
    expect(await warningsOf(root)).toEqual([]);
    expect(await warningsOf(join(root, "none"))).toEqual([]);
    await chmod(root, 0o755); // others can see the names in it, but cannot open them
    expect(await warningsOf(root)).toEqual([]);
  });

  it.each([0o640, 0o604])("warns of a key that others can read, mode %o", async (mode) => {
    const root = await madeStore();
    await chmod(join(root, "signing-key"), mode);
    expect(await warningsOf(root)).toEqual(["readable_by_others /signing-key"]);
  });

  it("warns of content that others can read, if they can enter the root", async () => {
    const root = await madeStore();
    await chmod(join(root, "metadata.sqlite"), 0o644);
    await chmod(join(root, "content"), 0o755);
    expect(await warningsOf(root)).toEqual([]);
    await chmod(root, 0o711);
    expect(await warningsOf(root)).toEqual(["readable_by_others /content", "readable_by_others /metadata.sqlite"]);
  });

  it.each(["", "/content", "/format", "/metadata.sqlite", "/signing-key"])(
    "warns if others can write to %j",
    async (name) => {
      const root = await madeStore();
      await chmod(`${root}${name}`, 0o722);
      expect(await warningsOf(root)).toEqual([`writable_by_others ${name}`]);
    },
  );

  it("warns once of a store of another user", async () => {
    const root = await madeStore();
    expect(await warningsOf(root, (user ?? 0) + 1)).toEqual(["owned_by_another "]);
  });

  it.skipIf(!isRoot)("warns of one file of another user (needs root)", async () => {
    const root = await madeStore();
    await chown(join(root, "metadata.sqlite"), 54_321, 54_321);
    expect(await warningsOf(root)).toEqual(["owned_by_another /metadata.sqlite"]);
  });
});

it.each(["content", "content/a"])(
  "inspectSafety() warns of a symlink in the place of %s, with a user id and without",
  async (name) => {
    const root = await madeStore();
    const elsewhere = join(root, "..", "elsewhere");
    await rename(join(root, name), elsewhere);
    await symlink(elsewhere, join(root, name));
    await mkdir(join(root, "content", "mine"));
    expect(await warningsOf(root, undefined)).toEqual([`symlinked_content /${name}`]);
    expect(await warningsOf(root)).toEqual([`symlinked_content /${name}`]);
  },
);
