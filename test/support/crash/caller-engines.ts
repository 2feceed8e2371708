import type { ContentStore } from "../../../src/store/ports/content-store.js";
import type { DerivedStore } from "../../../src/store/ports/derived-store.js";
import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import { withCaller } from "./steps.js";

/** The same metadata store. Its steps record which code called it. */
export function callerMetadata(metadata: MetadataStore): MetadataStore {
  return {
    ...metadata,
    put: (...values) => withCaller(() => metadata.put(...values)),
    change: (...values) => withCaller(() => metadata.change(...values)),
    reclaim: () => withCaller(() => metadata.reclaim()),
    compact: () => withCaller(() => metadata.compact()),
  };
}

/** The same content store. Its steps record which code called it. */
export function callerContent(content: ContentStore): ContentStore {
  return {
    ...content,
    createPiece: (...values) => withCaller(() => content.createPiece(...values)),
    fold: (...values) => withCaller(() => content.fold(...values)),
    copy: (...values) => withCaller(() => content.copy(...values)),
    remove: (...values) => withCaller(() => content.remove(...values)),
  };
}

/** The same derived store. Its steps record which code called it. */
export function callerDerived(derived: DerivedStore): DerivedStore {
  return {
    ...derived,
    get: (...values) => withCaller(() => derived.get(...values)),
    put: (...values) => withCaller(() => derived.put(...values)),
    remove: (...values) => withCaller(() => derived.remove(...values)),
  };
}
