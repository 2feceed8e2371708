import { lstat, mkdir, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FolderResult } from "../../store/ports/user-files.js";
import { errorCodeOf } from "../engine-error.js";
import { ignoringErrno, syncFolder } from "../file-system.js";
import { isLeft, orUndefined, removePart } from "./leftover-parts.js";
import { isPartOf, readPartName } from "./part-names.js";
import { isFull, isOfProcess, problemOf } from "./problem-of.js";
import { ownDirectory, type StoreDirectory } from "./store-directory.js";
import { systemPath, textOfName } from "./system-path.js";

/** Errnos of a directory that cannot be synced: its names are as durable as its file system makes them. */
const unsyncable = ["EACCES", "EPERM", "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "ENOENT", "ENOTDIR"];

/** The directories that a job writes into: made once, and synced when the job ends. */
export class TargetFolders {
  readonly #own: StoreDirectory;
  readonly #entered = new Map<string, Promise<FolderResult>>();
  /** Directories with names that are not durable yet. */
  readonly #changed = new Set<string>();
  /** Names of hidden files whose writers may have ended, by directory. A directory without any is absent. */
  readonly #leftovers = new Map<string, Set<string>>();

  constructor(own: StoreDirectory) {
    this.#own = own;
  }

  /**
   * Makes a directory and those above it, unless they exist.
   *
   * @param top the directory that the person named: below it, symlinks are no directories
   */
  enter(folder: string, top: string): Promise<FolderResult> {
    let entering = this.#entered.get(folder);
    if (entering === undefined) {
      entering = this.#make(folder, top);
      this.#entered.set(folder, entering);
    }
    return entering;
  }

  /** Says that names in the directory of `path` have changed. */
  noteChange(path: string): void {
    this.#changed.add(dirname(path));
  }

  /** Forgets a directory that was removed. */
  forget(folder: string): void {
    this.#entered.delete(folder);
    this.#changed.delete(folder);
  }

  /** Hidden files that dead processes have left for a file. @param sha256 of its content; of any content by default */
  leftoversOf(path: string, sha256?: string): string[] {
    const folder = dirname(path);
    return [...(this.#leftovers.get(folder) ?? [])].filter((name) => {
      const part = readPartName(name);
      return part !== undefined && isPartOf(part, basename(path), sha256);
    });
  }

  /** A hidden file is taken over or removed. */
  forgetLeftover(path: string, name: string): void {
    this.#leftovers.get(dirname(path))?.delete(name);
  }

  async removeLeftovers(path: string): Promise<void> {
    for (const name of this.leftoversOf(path)) {
      this.forgetLeftover(path, name);
      const left = join(dirname(path), name);
      const part = readPartName(name);
      if (part !== undefined && (await isLeft(left, part)) && (await removePart(left))) this.noteChange(left);
    }
  }

  /** Makes all names durable. */
  async finish(): Promise<void> {
    const folders = [...this.#changed];
    this.#changed.clear();
    const sync = async (): Promise<void> => {
      for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) await syncNames(folder);
    };
    await Promise.all(Array.from({ length: 4 }, sync));
  }

  async #make(folder: string, top: string): Promise<FolderResult> {
    try {
      const look = folder.length > top.length ? lstat : stat;
      const found = await ignoringErrno(["ENOENT"], () => look(systemPath(folder)), undefined);
      if (found?.isSymbolicLink()) return failed("a symlink has its name", undefined);
      if (found !== undefined && !found.isDirectory()) return failed("a file has the name of the folder", undefined);
      if (found === undefined) {
        const above = dirname(folder);
        const result = above === folder ? failed("there is no such drive", undefined) : await this.enter(above, top);
        if (result.kind === "failed") return result;
        await ignoringErrno(["EEXIST"], () => mkdir(systemPath(folder)), undefined);
        this.#changed.add(above);
        return { kind: "ready", isNew: true };
      }
      const above = folder.length > top.length ? await this.enter(dirname(folder), top) : undefined;
      if (above?.kind === "failed") return above; // a symlink may be on the way
      if (this.#own.contains(folder)) return failed(`it is in ${ownDirectory}`, undefined);
      await this.#findLeftovers(folder);
      return { kind: "ready", isNew: false };
    } catch (error) {
      if (isOfProcess(error)) throw error;
      return failed(problemOf(error), error);
    }
  }

  async #findLeftovers(folder: string): Promise<void> {
    const names = (await orUndefined(() => readdir(systemPath(folder), { encoding: "buffer" }))) ?? [];
    const left = names.map(textOfName).filter((name) => (readPartName(name)?.writer ?? "running") !== "running");
    if (left.length > 0) this.#leftovers.set(folder, new Set(left));
  }
}

async function syncNames(folder: string): Promise<void> {
  await ignoringErrno(unsyncable, () => syncFolder(folder), undefined);
}

function failed(problem: string, error: unknown): FolderResult {
  return { kind: "failed", problem: `the folder cannot be made: ${problem}`, isFull: isFull(error) };
}

/** Whether an error says that something is not there, or is not what it was. */
export function isGone(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(errorCodeOf(error) ?? "");
}
