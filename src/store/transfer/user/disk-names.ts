import { ArtifactError } from "../../model/errors.js";
import type { FoundPlace, UserFiles } from "../../ports/user-files.js";
import { keyIn } from "../folder-names.js";
import { escapedKey } from "./escaped-names.js";

/** The names of files below a directory, as far as they depend on what else is there. */
export class DiskNames {
  readonly #files: Pick<UserFiles, "look">;
  readonly #folder: string;
  readonly #isWindows: boolean;
  /** Folders by their names in NFC. */
  readonly #folders = new Map<string, string>();

  constructor(files: Pick<UserFiles, "look">, folder: string, isWindows: boolean) {
    this.#files = files;
    this.#folder = folder;
    this.#isWindows = isWindows;
  }

  /** The end of the key that `--rename` gives a file. `a%2Fb` is `a/b` if it lies beside the file `a`. */
  async keyOf(name: string): Promise<string> {
    if (!name.includes(slash)) return escapedKey(name, this.#isWindows);
    const parts: string[] = [];
    let folder = this.#folder;
    for (const segment of name.split("/")) {
      parts.push(await this.#unjoined(folder, segment));
      folder = `${folder}/${segment}`;
    }
    return parts.join("/");
  }

  async #unjoined(folder: string, segment: string): Promise<string> {
    for (let at = segment.lastIndexOf(slash); at > 0; at = segment.lastIndexOf(slash, at - 1)) {
      const [head, tail] = [segment.slice(0, at), segment.slice(at + slash.length)];
      if (tail === "" || (await this.#kindAt(`${folder}/${head}`)) !== "file") continue;
      return `${await this.#unjoined(folder, head)}/${escapedKey(tail, this.#isWindows)}`;
    }
    return escapedKey(segment, this.#isWindows);
  }

  /** The spelling of a name in NFC under which the file is there: in NFD if there is one, else as it is. */
  async spelled(name: string): Promise<string> {
    if (name.normalize("NFD") === name) return name;
    const segments = name.split("/");
    const last = segments.pop() ?? "";
    let [composed, found] = ["", ""];
    for (const segment of segments) {
      composed = keyIn(composed, segment);
      const known = this.#folders.get(composed) ?? keyIn(found, await this.#segment(found, segment));
      this.#folders.set(composed, known);
      found = known;
    }
    return keyIn(found, await this.#segment(found, last));
  }

  async #segment(folder: string, segment: string): Promise<string> {
    const other = segment.normalize("NFD");
    if (other === segment) return segment;
    return (await this.#kindAt(`${this.#folder}/${keyIn(folder, other)}`)) === undefined ? segment : other;
  }

  /** Undefined if there is nothing, or nothing that this process may see. */
  async #kindAt(path: string): Promise<FoundPlace["kind"] | undefined> {
    try {
      return (await this.#files.look(path))?.kind;
    } catch (error) {
      if (error instanceof ArtifactError) return undefined;
      throw error;
    }
  }
}

/** A slash in the name of a file. */
const slash = "%2F";
