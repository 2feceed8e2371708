import { createHash } from "node:crypto";
import { copyBlockBytes } from "../model/limits.js";
import { readAhead } from "../pieces/read-ahead.js";
import type { BackupDraft, BackupFiles } from "../ports/backup-files.js";

/** Writes lines to a new file, and digests them. `discard` must be called at the end. */
export class LineWriter {
  readonly #draft: BackupDraft;
  readonly #hash = createHash("sha256");
  #waiting: string[] = [];
  #waitingChars = 0;
  #bytes = 0;

  private constructor(draft: BackupDraft) {
    this.#draft = draft;
  }

  static async create(files: BackupFiles): Promise<LineWriter> {
    return new LineWriter(await files.create());
  }

  async add(line: string): Promise<void> {
    this.#waiting.push(line, "\n");
    this.#waitingChars += line.length;
    if (this.#waitingChars >= copyBlockBytes) await this.#flush();
  }

  /** Names the file. @param nameOf makes the name from the digest of all lines */
  async commit(nameOf: (sha256: string) => string): Promise<{ name: string; bytes: number; sha256: string }> {
    await this.#flush();
    const sha256 = this.#hash.digest("hex");
    const name = nameOf(sha256);
    await this.#draft.commit(name);
    return { name, bytes: this.#bytes, sha256 };
  }

  async discard(): Promise<void> {
    await this.#draft.discard();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#waiting.join(""));
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    await this.#draft.write(bytes);
  }
}

/** Lines of a page are worked on at the same time. */
const pageLines = 500;

/**
 * The lines of a file, in pages. None if there is no such file.
 *
 * @param onBlock called with each block of bytes, before their lines come
 */
export async function* linesIn(
  files: BackupFiles,
  name: string,
  onBlock?: (block: Uint8Array) => void,
): AsyncGenerator<readonly string[], void, undefined> {
  const file = await files.open(name);
  if (file === undefined) return;
  let rest = Buffer.alloc(0);
  let page: string[] = [];
  try {
    const range = { start: 0, end: file.bytes, blockBytes: copyBlockBytes };
    for await (const block of readAhead((start, length, into) => file.read(start, length, into), range)) {
      onBlock?.(block);
      const bytes = Buffer.concat([rest, block]);
      const end = bytes.lastIndexOf(0x0a) + 1;
      if (end > 0) page = page.concat(bytes.toString("utf8", 0, end - 1).split("\n"));
      rest = bytes.subarray(end);
      while (page.length >= pageLines) yield page.splice(0, pageLines);
    }
    if (rest.length > 0) page.push(rest.toString());
    if (page.length > 0) yield page;
  } finally {
    await file.close();
  }
}
