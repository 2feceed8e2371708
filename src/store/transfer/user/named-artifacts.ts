import type { ArtifactStore } from "../../artifacts/artifact-store.js";
import type { Artifact } from "../../model/artifact.js";
import { ArtifactError } from "../../model/errors.js";
import { largestPageLimit } from "../../model/limits.js";
import { quote } from "../../model/quote.js";
import { keyIn } from "../folder-names.js";
import { escapedCase, escapedKey, type FileNameRules, fileSegment } from "./escaped-names.js";
import type { JobReport } from "./job-report.js";

/** The newest version of an artifact, and the file that it becomes. */
export interface NamedArtifact {
  readonly artifact: Artifact;
  /** Relative to the target folder, with `/` between segments. */
  readonly name: string;
}

export interface NamedArtifactsOptions extends FileNameRules {
  readonly bucket: string;
  /** The folder of keys, from `toKeyFolder`. */
  readonly keyFolder: string;
  /** The target tells no cases apart. */
  readonly foldsCase: boolean;
  /** The name under which a file is there already, if its spelling differs. */
  readonly spelled: (name: string) => Promise<string>;
  /** Takes the names that the file of an artifact may have that goes to the report. */
  readonly onRefused?: (names: readonly string[]) => void;
}

/** All artifacts in a folder of keys, in their order. @throws ArtifactError `bucket_not_found` */
export async function* artifactsIn(
  artifacts: ArtifactStore,
  bucket: string,
  keyFolder: string,
): AsyncGenerator<Artifact, void, undefined> {
  const prefix = keyIn(keyFolder, "");
  for (let cursor: string | undefined; ; ) {
    const page = await artifacts.list({ bucket, prefix, cursor, limit: largestPageLimit });
    yield* page.data;
    cursor = page.next_cursor;
    if (cursor === undefined) return;
  }
}

/** The same with the names of their files. Artifacts that no file can stand for go to the report. */
export async function* namedArtifacts(
  artifacts: ArtifactStore,
  options: NamedArtifactsOptions,
  report: JobReport,
): AsyncGenerator<NamedArtifact, void, undefined> {
  const { bucket, keyFolder } = options;
  const names = new FileNames(artifacts, options);
  for await (const artifact of artifactsIn(artifacts, bucket, keyFolder)) {
    const found = await names.nameOf(artifact.key);
    if ("name" in found) yield { artifact, name: await options.spelled(found.name) };
    else {
      options.onRefused?.(names.allOf(artifact.key));
      report.fail(artifact.key, found.problem);
    }
  }
}

/** Maps the keys of one folder to names of files. */
class FileNames {
  readonly #artifacts: ArtifactStore;
  readonly #options: NamedArtifactsOptions;
  /** Whether a folder of keys is the key of an artifact too, for the folders on the way to the last key. */
  #folders = new Map<string, boolean>();
  /** Names without case, if the target has none. */
  readonly #folded = new Map<string, string>();

  constructor(artifacts: ArtifactStore, options: NamedArtifactsOptions) {
    this.#artifacts = artifacts;
    this.#options = options;
  }

  async nameOf(key: string): Promise<{ readonly name: string } | { readonly problem: string }> {
    const { keyFolder, rename, isWindows } = this.#options;
    const joined = await this.#joined(this.#segmentsOf(key));
    if ("problem" in joined) return joined;
    const names: string[] = [];
    for (const part of joined) {
      const found = fileSegment(part, this.#options);
      if ("problem" in found) return found;
      names.push(found.name);
    }
    const name = names.join("/");
    if (joined.some((part) => part.includes("\u0000"))) {
      const other = keyIn(keyFolder, escapedKey(name, isWindows));
      if (await this.#isArtifact(other)) return { problem: `${quote(other)} becomes the same file` };
    }
    return this.#options.foldsCase ? this.#inOneCase(name, rename) : { name };
  }

  /** The names that the file of a key may have, with `rename` or without. */
  allOf(key: string): string[] {
    const segments = this.#segmentsOf(key);
    const mapped = segments.map((segment) => {
      const found = fileSegment(segment, { ...this.#options, rename: true });
      return "name" in found ? found.name : segment;
    });
    const joins = mapped.map((_, at) => [...mapped.slice(0, at), mapped.slice(at).join("%2F")].join("/"));
    return [segments.join("/"), mapped.join("/"), ...joins];
  }

  #segmentsOf(key: string): string[] {
    const { keyFolder } = this.#options;
    return (keyFolder === "" ? key : key.slice(keyFolder.length + 1)).split("/");
  }

  /** The segments. A slash behind an artifact's own key becomes part of a name, as U+0000, or the problem. */
  async #joined(segments: readonly string[]): Promise<readonly string[] | { readonly problem: string }> {
    const joined: string[] = [];
    const folders = new Map<string, boolean>();
    let folder = this.#options.keyFolder;
    let isBehindFile = false;
    for (const [index, segment] of segments.entries()) {
      if (isBehindFile) joined.push(`${joined.pop()}\u0000${segment}`);
      else joined.push(segment);
      if (index === segments.length - 1) break;
      folder = keyIn(folder, segment);
      isBehindFile = this.#folders.get(folder) ?? (await this.#isArtifact(folder));
      folders.set(folder, isBehindFile);
      if (isBehindFile && !this.#options.rename) {
        return { problem: `${quote(folder)} is an artifact too, and a file cannot be a folder (--rename maps it)` };
      }
    }
    this.#folders = folders;
    return joined;
  }

  async #isArtifact(key: string): Promise<boolean> {
    try {
      await this.#artifacts.get(this.#options.bucket, key);
      return true;
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "artifact_not_found") return false;
      throw error;
    }
  }

  #inOneCase(name: string, rename: boolean): { readonly name: string } | { readonly problem: string } {
    for (const attempt of rename ? [name, escapedCase(name)] : [name]) {
      const folded = withoutCase(attempt);
      const other = this.#folded.get(folded) ?? attempt;
      if (other !== attempt) continue;
      this.#folded.set(folded, attempt);
      return { name: attempt };
    }
    return { problem: `${quote(this.#folded.get(withoutCase(name)) ?? "")} differs only in case (--rename maps it)` };
  }
}

/** A name as a file system compares it that tells no cases apart. */
export function withoutCase(name: string): string {
  return name.normalize("NFC").toLowerCase();
}
