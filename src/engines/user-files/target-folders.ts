import { mkdir, readdir, realpath, stat, unlink } from "node:fs/promises";
import nodePath, { basename, dirname, join } from "node:path";
import type { FolderResult } from "../../store/ports/user-files.js";
import { errorCodeOf } from "../engine-error.js";
import { ignoringErrno, syncFolder } from "../file-system.js";
import { isInside } from "../local-files/path-rules.js";
import { isPartOf, readPartName } from "./part-names.js";
import { isFull, isOfProcess, problemOf } from "./problem-of.js";
import { systemPath, textOfName } from "./system-path.js";

/** Errnos of a directory that cannot be synced: its names are as durable as its file system makes them. */
const unsyncable = ["EACCES", "EPERM", "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "ENOENT"];

/** The directories that a job writes into: made once, and synced when the job ends. */
export class TargetFolders {
  readonly #forbidden: string;
  readonly #entered = new Map<string, Promise<FolderResult>>();
  /** Directories with names that are not durable yet. */
  readonly #changed = new Set<string>();
  /** Names of hidden files that dead processes have left, by directory. A directory without any is absent. */
  readonly #leftovers = new Map<string, Set<string>>();

  /** @param forbidden the store's own directory */
  constructor(forbidden: string) {
    this.#forbidden = forbidden;
  }

  /** Makes a directory and those above it, unless they exist. */
  enter(folder: string): Promise<FolderResult> {
    let entering = this.#entered.get(folder);
    if (entering === undefined) {
      entering = this.#make(folder);
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
    for (const name of this.leftoversOf(path)) await this.#removeLeftover(dirname(path), name);
  }

  /** Makes all names durable. @param isWhole also removes all hidden files that dead processes have left */
  async finish(isWhole: boolean): Promise<void> {
    if (isWhole) {
      for (const [folder, names] of this.#leftovers) for (const name of names) await this.#removeLeftover(folder, name);
    }
    const folders = [...this.#changed];
    this.#changed.clear();
    const sync = async (): Promise<void> => {
      for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) await syncNames(folder);
    };
    await Promise.all(Array.from({ length: 4 }, sync));
  }

  async #removeLeftover(folder: string, name: string): Promise<void> {
    this.#leftovers.get(folder)?.delete(name);
    await ignoringErrno(["ENOENT"], () => unlink(systemPath(join(folder, name))), undefined);
    this.#changed.add(folder);
  }

  async #make(folder: string): Promise<FolderResult> {
    try {
      const found = await ignoringErrno(["ENOENT"], () => stat(systemPath(folder)), undefined);
      if (found !== undefined && !found.isDirectory()) return failed("a file has the name of the folder", undefined);
      if (found === undefined) {
        const above = dirname(folder);
        const result = above === folder ? failed("there is no such drive", undefined) : await this.enter(above);
        if (result.kind === "failed") return result;
        await ignoringErrno(["EEXIST"], () => mkdir(systemPath(folder)), undefined);
        this.#changed.add(above);
        return { kind: "ready", isNew: true };
      }
      if (await this.#isForbidden(folder)) return failed("it is in the store's own directory", undefined);
      await this.#findLeftovers(folder);
      return { kind: "ready", isNew: false };
    } catch (error) {
      if (isOfProcess(error)) throw error;
      return failed(problemOf(error), error);
    }
  }

  async #isForbidden(folder: string): Promise<boolean> {
    const [own, place] = await Promise.all([realpath(this.#forbidden), realpath(systemPath(folder))]);
    return isInside(nodePath, own, place.toString());
  }

  async #findLeftovers(folder: string): Promise<void> {
    const names = await ignoringErrno(
      ["EACCES", "EPERM"],
      () => readdir(systemPath(folder), { encoding: "buffer" }),
      [],
    );
    const left = names.map(textOfName).filter((name) => readPartName(name)?.isLeft === true);
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
