import type { ContentStore } from "../../../src/store/ports/content-store.js";
import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import { askedFromHere } from "./steps.js";

/** The same metadata, whose steps know who asked for them. */
export function askingMetadata(metadata: MetadataStore): MetadataStore {
  return {
    ...metadata,
    put: (...values) => askedFromHere(() => metadata.put(...values)),
    change: (...values) => askedFromHere(() => metadata.change(...values)),
    reclaim: () => askedFromHere(() => metadata.reclaim()),
  };
}

/** The same content, whose steps know who asked for them. */
export function askingContent(content: ContentStore): ContentStore {
  return {
    ...content,
    createPiece: (...values) => askedFromHere(() => content.createPiece(...values)),
    fold: (...values) => askedFromHere(() => content.fold(...values)),
    copy: (...values) => askedFromHere(() => content.copy(...values)),
    remove: (...values) => askedFromHere(() => content.remove(...values)),
  };
}
