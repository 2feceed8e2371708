import type { Stats } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ignoringErrno } from "../file-system.js";
import { contentFolder } from "./shards.js";

/** Something that makes a data directory less safe than it should be. */
export interface SafetyWarning {
  readonly event: "owned_by_another" | "writable_by_others" | "readable_by_others" | "symlinked_content";
  readonly path: string;
  /** One line that says what this means and what to do. */
  readonly why: string;
}

/** The entries that a store makes in its root for its owner alone. */
const names = ["content", "format", "metadata.sqlite", "signing-key"];

/**
 * Checks which other users can read or write the data directory, and whether its folders are symlinks. Nothing is
 * changed. Windows has no such owners and modes, so only symlinks are checked there.
 *
 * @param user the id of the user that this process runs as; undefined if users have no ids
 */
export async function inspectSafety(root: string, user: number | undefined): Promise<SafetyWarning[]> {
  const links = (await symlinks(root)).map((path) => warning("symlinked_content", path, symlinked));
  if (user === undefined) return links;
  const found: Found[] = [];
  for (const path of [root, ...names.map((name) => join(root, name))]) {
    const stats = await ignoringErrno(["ENOENT"], () => stat(path), undefined);
    if (stats !== undefined) found.push({ path, stats });
  }
  return [...ownedByAnother(found, user), ...writable(found), ...readable(root, found), ...links];
}

interface Found {
  readonly path: string;
  readonly stats: Stats;
}

const warning = (event: SafetyWarning["event"], path: string, why: string): SafetyWarning => ({ event, path, why });

/** At most one warning for all entries of another user, because one command cures them all. */
function ownedByAnother(found: readonly Found[], user: number): SafetyWarning[] {
  const first = found.find(({ stats }) => stats.uid !== user);
  if (first === undefined) return [];
  const { uid } = first.stats;
  const why = `it belongs to user ${uid}, who can change it, but this server runs as user ${user}: run the server as user ${uid}, or give the data directory to user ${user} with chown -R`;
  return [warning("owned_by_another", first.path, why)];
}

function writable(found: readonly Found[]): SafetyWarning[] {
  return found
    .filter(({ stats }) => (stats.mode & 0o022) !== 0)
    .map(({ path }) => {
      const why = "other users can write there and change what is stored: stop that with chmod go-w";
      return warning("writable_by_others", path, why);
    });
}

/** Warns of a readable key in any case, and of readable content only if other users can enter the root. */
function readable(root: string, found: readonly Found[]): SafetyWarning[] {
  const isOpen = found.some(({ path, stats }) => path === root && (stats.mode & 0o011) !== 0);
  const secrets = ["signing-key", ...(isOpen ? ["content", "metadata.sqlite"] : [])].map((name) => join(root, name));
  return found
    .filter(({ path, stats }) => secrets.includes(path) && (stats.mode & 0o044) !== 0)
    .map(({ path }) => warning("readable_by_others", path, path === join(root, "signing-key") ? readKey : readContent));
}

const readKey =
  "other users can read it and make URLs that let them in: stop that with chmod go-rwx; if somebody may have read it, stop the servers and remove the file, which makes all signed URLs invalid";
const readContent = "other users can read what is stored: stop that with chmod -R go-rwx";
const symlinked =
  "it is a symlink: the content can change or disappear without its database, and a backup of the data directory does not contain it. Stop the servers, then move the folder here or mount it here";

/** The folders of the content that are symlinks. */
async function symlinks(root: string): Promise<string[]> {
  const content = contentFolder(root);
  const found = await ignoringErrno(["ENOENT"], () => lstat(content), undefined);
  if (found === undefined) return [];
  if (found.isSymbolicLink()) return [content];
  const entries = await readdir(content, { withFileTypes: true });
  return entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => join(content, name));
}
