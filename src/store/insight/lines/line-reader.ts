import type { OpenArtifact } from "../../artifacts/open-artifact.js";
import type { DerivedStore } from "../../ports/derived-store.js";
import type { LinesPage } from "../../ports/description.js";

export interface LineReaderDependencies {
  readonly derived: DerivedStore;
  readonly readOnly: boolean;
}

export interface ReadLines {
  /** The first line, from 1; a negative number counts from the end: -1 is the last line. Default 1. */
  readonly line?: number | undefined;
  /** How many lines at most. Without `line`, a negative number asks for the last lines. */
  readonly lines?: number | undefined;
  /** The most characters of the page. */
  readonly chars: number;
}

/** Reads texts by lines. */
export class LineReader {
  readonly #dependencies: LineReaderDependencies;

  constructor(dependencies: LineReaderDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws ArtifactError `invalid_argument` if the content is no text, or has no such line */
  async read(open: OpenArtifact, wanted: ReadLines): Promise<LinesPage> {
    throw new Error(`not yet: ${open.artifact.key} ${wanted.line} ${this.#dependencies.readOnly}`);
  }
}
