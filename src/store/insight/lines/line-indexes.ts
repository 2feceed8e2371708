import type { OpenArtifact } from "../../artifacts/open-artifact.js";
import { BoundedMap } from "../../model/bounded-map.js";
import type { DerivedFacts } from "../derived-facts.js";
import { buildLineIndex, smallTextBytes } from "./build-line-index.js";
import { decodeLineIndex, encodeLineIndex, type LineIndex } from "./line-index.js";

const entryName = "lines";
/** Indexes that are kept in memory, each of at most 128 KiB. The least recently used one is dropped first. */
const maxInMemory = 32;

/** Makes and keeps the indexes of texts, by the digest of the content. */
export class LineIndexes {
  readonly #facts: DerivedFacts;
  readonly #inMemory = new BoundedMap<LineIndex>(maxInMemory);
  readonly #building = new Map<string, Promise<LineIndex>>();

  constructor(facts: DerivedFacts) {
    this.#facts = facts;
  }

  /**
   * The index of a content. It is made when nobody has made it yet; small content is always counted.
   *
   * @throws ArtifactError `invalid_argument` if the content is no text; `corrupt`
   */
  async of(open: OpenArtifact): Promise<LineIndex> {
    const { bytes, sha256 } = open.artifact;
    if (bytes <= smallTextBytes) return buildLineIndex(open);
    for (;;) {
      const known = this.#inMemory.get(sha256);
      if (known !== undefined) {
        this.#inMemory.set(sha256, known);
        return known;
      }
      const building = this.#building.get(sha256);
      if (building === undefined) return this.#begin(open);
      // If it fails, the next caller reads its own copy: the same content may be damaged in one place alone.
      const made = await building.catch(() => undefined);
      if (made !== undefined) return made;
    }
  }

  /** Makes the index of a content again, because the one that was there does not fit. @throws as `of` does */
  async again(open: OpenArtifact): Promise<LineIndex> {
    const { sha256 } = open.artifact;
    this.#inMemory.delete(sha256);
    const index = await buildLineIndex(open);
    await this.#keep(open, index);
    return index;
  }

  async #begin(open: OpenArtifact): Promise<LineIndex> {
    const { sha256 } = open.artifact;
    const building = this.#find(open);
    this.#building.set(sha256, building);
    try {
      return await building;
    } finally {
      this.#building.delete(sha256);
    }
  }

  async #find(open: OpenArtifact): Promise<LineIndex> {
    const { bytes, sha256 } = open.artifact;
    const entry = await this.#facts.get(open.artifact, entryName);
    const kept = entry && decodeLineIndex(entry, bytes);
    if (kept === undefined) return this.again(open);
    this.#inMemory.set(sha256, kept);
    return kept;
  }

  async #keep(open: OpenArtifact, index: LineIndex): Promise<void> {
    this.#inMemory.set(open.artifact.sha256, index);
    await this.#facts.put(open.artifact, entryName, encodeLineIndex(index));
  }
}
