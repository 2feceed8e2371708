import type { Artifact } from "../model/artifact.js";
import { mimeTypeOf } from "../model/media-type.js";
import type { DerivedStore } from "../ports/derived-store.js";
import type { Description } from "../ports/description.js";

export interface KnownDescriptionsDependencies {
  readonly derived: DerivedStore;
  readonly readOnly: boolean;
}

/** Raised when descriptions change, so that older ones are made again. */
const descriptionFormat = 1;
/** Descriptions that are kept in memory. The least recently used one is dropped first. */
const maxInMemory = 200;

/** Keeps descriptions by the digest of the content and by what its name says, in memory and in the derived store. */
export class KnownDescriptions {
  readonly #dependencies: KnownDescriptionsDependencies;
  readonly #inMemory = new Map<string, Description>();

  constructor(dependencies: KnownDescriptionsDependencies) {
    this.#dependencies = dependencies;
  }

  async get(artifact: Artifact): Promise<Description | undefined> {
    const name = entryName(artifact);
    const id = `${artifact.sha256} ${name}`;
    const known = this.#inMemory.get(id) ?? parse(await this.#dependencies.derived.get(artifact.sha256, name));
    if (known !== undefined) this.#remember(id, known);
    return known;
  }

  /** A description that a limit has cut is kept in memory only: another try may get further. */
  async put(artifact: Artifact, description: Description): Promise<void> {
    const name = entryName(artifact);
    this.#remember(`${artifact.sha256} ${name}`, description);
    const { derived, readOnly } = this.#dependencies;
    const isCut = description.partial?.reason === "time" || description.partial?.reason === "memory";
    if (readOnly || isCut) return;
    const entry = { format: descriptionFormat, description };
    await derived.put(artifact.sha256, name, Buffer.from(JSON.stringify(entry)));
  }

  #remember(id: string, description: Description): void {
    this.#inMemory.delete(id);
    this.#inMemory.set(id, description);
    const [oldest] = this.#inMemory.keys();
    if (this.#inMemory.size > maxInMemory && oldest !== undefined) this.#inMemory.delete(oldest);
  }
}

/** The same bytes may be another format under another name. */
function entryName({ key, mime_type }: Artifact): string {
  const types = [mime_type.split(";")[0]?.trim().toLowerCase(), mimeTypeOf(key, "")].join(" ");
  return `description-${Buffer.from(types).toString("base64url").slice(0, 100)}`;
}

function parse(bytes: Uint8Array | undefined): Description | undefined {
  if (bytes === undefined) return undefined;
  const entry = JSON.parse(Buffer.from(bytes).toString());
  return entry.format === descriptionFormat ? entry.description : undefined;
}
