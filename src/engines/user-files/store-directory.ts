import { type BigIntStats, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { contentFolder } from "../disk/shards.js";
import { systemPath, textOfName } from "./system-path.js";

/** How problems name it. */
export const ownDirectory = "the store's own directory";

/**
 * The store's own directory, also where symlinks in it have its content elsewhere. Directories are told apart by device
 * and inode, so that neither a symlink nor another spelling leads into it.
 */
export class StoreDirectory {
  readonly #path: string;
  #identities: ReadonlySet<string> | undefined;

  /** @param path absolute; there may be nothing yet */
  constructor(path: string) {
    this.#path = path;
  }

  /** Identities of the directories that make it up, for `isWithin`. */
  get identities(): ReadonlySet<string> {
    if (this.#identities !== undefined) return this.#identities;
    const own = identityOf(this.#path);
    if (own === undefined) return new Set();
    const content = contentFolder(this.#path);
    const elsewhere = [content, ...symlinksIn(content)].map(identityOf).filter((found) => found !== undefined);
    this.#identities = new Set([own, ...elsewhere]);
    return this.#identities;
  }

  /** Whether a path leads to the directory or into it, or would if there were something. */
  contains(path: string): boolean {
    return isWithin(this.identities, path);
  }
}

/** Whether a path leads to one of these directories or into one, symlinks followed. */
export function isWithin(identities: ReadonlySet<string>, path: string): boolean {
  for (let place = realOf(path); ; place = dirname(place)) {
    const identity = identityOf(place);
    if (identity !== undefined && identities.has(identity)) return true;
    if (dirname(place) === place) return false;
  }
}

/** Device and inode. */
export function identityText({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** The real path. What is missing or cannot be reached is in the directory that it is named in. */
function realOf(path: string): string {
  try {
    return textOfName(realpathSync.native(systemPath(path), { encoding: "buffer" }));
  } catch {
    const above = dirname(path);
    return above === path ? path : realOf(above);
  }
}

/** Undefined for what cannot be reached: the call that follows reports why. */
function identityOf(path: string): string | undefined {
  try {
    const found = statSync(systemPath(path), { bigint: true });
    return identityText(found);
  } catch {
    return undefined;
  }
}

function symlinksIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => join(folder, name));
  } catch {
    return [];
  }
}
