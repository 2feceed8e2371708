import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import { askedFromHere } from "./steps.js";

/** The same metadata, whose steps know who asked for them. */
export function asking(metadata: MetadataStore): MetadataStore {
  return {
    ...metadata,
    put: (...values) => askedFromHere(() => metadata.put(...values)),
    change: (...values) => askedFromHere(() => metadata.change(...values)),
    reclaim: () => askedFromHere(() => metadata.reclaim()),
  };
}
