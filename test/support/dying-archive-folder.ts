import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportClaimFile } from "../../src/engines/local-files/archive-folder.js";
import type { ArchiveClaim, ArchiveFolder } from "../../src/store/ports/archive-folder.js";
import type { LocalTarget } from "../../src/store/ports/local-files.js";

/** A process that dies with one of its calls of a folder, counted from 0. */
export class DyingProcess {
  readonly #dieAt: number;
  readonly #unfinished: LocalTarget[] = [];
  calls = 0;

  constructor(dieAt = Number.POSITIVE_INFINITY) {
    this.#dieAt = dieAt;
  }

  folder(folder: ArchiveFolder): ArchiveFolder {
    const call = <Result>(work: () => Promise<Result>) => this.#call(work);
    return {
      ...folder,
      claim: () => call(async () => this.#claim(folder)),
      list: (check) => call(() => folder.list(check)),
      open: (name) => call(() => folder.open(name)),
      remove: (name) => call(() => folder.remove(name)),
      create: async (name, overwrite) => this.#target(await call(() => folder.create(name, overwrite))),
    };
  }

  /** A claim whose file stays if the process dies, as with a kill. The lock itself does not. */
  async #claim(folder: ArchiveFolder): Promise<ArchiveClaim | undefined> {
    const claim = await folder.claim();
    return (
      claim && {
        release: async () => {
          await claim.release();
          if (this.calls > this.#dieAt) await writeFile(join(folder.path, exportClaimFile), "");
          else await this.#call(async () => undefined);
        },
      }
    );
  }

  #target(target: LocalTarget): LocalTarget {
    return {
      ...target,
      write: (bytes) => this.#call(() => target.write(bytes)),
      commit: () => this.#call(target.commit),
      discard: () =>
        this.#call(target.discard).catch((error) => {
          this.#unfinished.push(target);
          throw error;
        }),
    };
  }

  async #call<Result>(work: () => Promise<Result>): Promise<Result> {
    this.calls += 1;
    if (this.calls > this.#dieAt) throw new Error("killed");
    return work();
  }

  /** Closes the files that the process had open, and leaves the unfinished ones in the directory as a kill does. */
  async bury(path: string): Promise<void> {
    const names = (await readdir(path, { recursive: true }).catch(() => [])).filter((name) => name.endsWith(".part"));
    const parts = await Promise.all(
      names.map(async (name) => [join(path, name), await readFile(join(path, name))] as const),
    );
    for (const target of this.#unfinished) await target.discard();
    for (const [name, bytes] of parts) await writeFile(name, bytes);
  }
}
