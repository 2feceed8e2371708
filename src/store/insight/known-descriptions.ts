import type { Artifact } from "../model/artifact.js";
import { mimeTypeOf } from "../model/media-type.js";
import type { Description } from "../ports/description.js";
import type { DerivedFacts } from "./derived-facts.js";

/** Raised when descriptions change, so that older ones are made again. */
const descriptionFormat = 2;
/** Descriptions that are kept in memory. The least recently used one is dropped first. */
const maxInMemory = 200;

/** Keeps descriptions by the digest of the content and by what its name says, in memory and in the derived store. */
export class KnownDescriptions {
  readonly #facts: DerivedFacts;
  readonly #inMemory = new Map<string, Description>();

  constructor(facts: DerivedFacts) {
    this.#facts = facts;
  }

  /** Never throws. */
  async get(artifact: Artifact): Promise<Description | undefined> {
    const id = descriptionId(artifact);
    const known = this.#inMemory.get(id) ?? parse(await this.#facts.get(artifact, entryName(artifact)));
    if (known !== undefined) this.#remember(id, known);
    return known;
  }

  /** A description that a limit has cut is kept in memory only: another try may get further. */
  async put(artifact: Artifact, description: Description): Promise<void> {
    this.#remember(descriptionId(artifact), description);
    if (isCut(description)) return;
    const entry = { format: descriptionFormat, description };
    await this.#facts.put(artifact, entryName(artifact), Buffer.from(JSON.stringify(entry)));
  }

  #remember(id: string, description: Description): void {
    this.#inMemory.delete(id);
    this.#inMemory.set(id, description);
    const [oldest] = this.#inMemory.keys();
    if (this.#inMemory.size > maxInMemory && oldest !== undefined) this.#inMemory.delete(oldest);
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
function parse(bytes: Uint8Array | undefined): Description | undefined {
  if (bytes === undefined) return undefined;
  try {
    const entry = JSON.parse(Buffer.from(bytes).toString());
    return entry.format === descriptionFormat ? entry.description : undefined;
  } catch {
    return undefined; // an earlier or later version of this program wrote it
  }
}
