import type { Artifact } from "../model/artifact.js";
import { BoundedMap } from "../model/bounded-map.js";
import { mimeTypeOf } from "../model/formats/media-type.js";
import type { Description } from "../ports/description.js";
import type { DerivedFacts } from "./derived-facts.js";

/** Raised when descriptions change, so that older ones are made again. */
const descriptionFormat = 1;
/** Bytes of JSON of the descriptions that are kept in memory. The least recently used one is dropped first. */
const maxBytesInMemory = 16 * 1024 * 1024;

interface Kept {
  readonly description: Description;
  readonly bytes: number;
}

/** Keeps descriptions by the digest of the content and by what its name says, in memory and in the derived store. */
export class KnownDescriptions {
  readonly #facts: Pick<DerivedFacts, "get" | "put">;
  readonly #inMemory = new BoundedMap<Kept>(maxBytesInMemory, ({ bytes }) => bytes);

  constructor(facts: Pick<DerivedFacts, "get" | "put">) {
    this.#facts = facts;
  }

  /** Never throws. */
  async get(artifact: Artifact): Promise<Description | undefined> {
    const id = descriptionId(artifact);
    const known = this.#inMemory.get(id) ?? parse(await this.#facts.get(artifact, entryName(artifact)));
    if (known !== undefined) this.#inMemory.set(id, known);
    return known?.description;
  }

  /** A description that a limit has cut is kept in memory only: another try may get further. */
  async put(artifact: Artifact, description: Description): Promise<void> {
    const entry = Buffer.from(JSON.stringify({ format: descriptionFormat, description }));
    this.#inMemory.set(descriptionId(artifact), { description, bytes: entry.length });
    if (!isCut(description)) await this.#facts.put(artifact, entryName(artifact), entry);
  }
}

/** Whether a limit has ended the description. Another try may get further. */
export function isCut({ partial }: Description): boolean {
  return partial?.reason === "time" || partial?.reason === "memory";
}

/** What two contents have in common if their descriptions are the same. */
export function descriptionId(artifact: Artifact): string {
  return `${artifact.sha256} ${entryName(artifact)}`;
}

/** The same bytes may be another format under another name. */
function entryName({ key, mime_type }: Artifact): string {
  const types = [mime_type.split(";")[0]?.trim().toLowerCase(), mimeTypeOf(key, "")].join(" ");
  return `description-${Buffer.from(types).toString("base64url").slice(0, 100)}`;
}

/** Undefined if the entry is absent, or has another format. */
function parse(bytes: Uint8Array | undefined): Kept | undefined {
  if (bytes === undefined) return undefined;
  try {
    const entry = JSON.parse(Buffer.from(bytes).toString());
    return entry.format === descriptionFormat ? { description: entry.description, bytes: bytes.length } : undefined;
  } catch {
    return undefined; // an earlier or later version of this program wrote it
  }
}
