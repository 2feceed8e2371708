import type { ContentStore } from "../ports/content-store.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { StoreIdentity } from "./store-identity.js";

/** Creates and removes pieces only while this store is still at its path. */
export function checkedContent(content: ContentStore, identity: StoreIdentity): ContentStore {
  return {
    ...content,
    async createPiece(session, start) {
      await identity.checkPlace();
      return content.createPiece(session, start);
    },
    async fold(session, pieces, start) {
      await identity.checkPlace();
      return content.fold(session, pieces, start);
    },
    async copy(from, piece, to, start, signal) {
      await identity.checkPlace();
      return content.copy(from, piece, to, start, signal);
    },
    async remove(pieces) {
      if (pieces.length > 0) await identity.checkPlace();
      await content.remove(pieces);
    },
  };
}

/** Writes only when rows and content are known to belong together. */
export function checkedMetadata(metadata: MetadataStore, identity: StoreIdentity): MetadataStore {
  return {
    get: (key) => metadata.get(key),
    getMany: (keys) => metadata.getMany(keys),
    async put(key, text) {
      await identity.ready();
      await metadata.put(key, text);
    },
    async change(rows, pieces) {
      await identity.ready();
      return metadata.change(rows, pieces);
    },
    pieces: (names) => metadata.pieces(names),
    listPieces: (options) => metadata.listPieces(options),
    range: (prefix, options) => metadata.range(prefix, options),
    grouped: (prefix, delimiter, options) => metadata.grouped(prefix, delimiter, options),
    size: (bucketPrefix) => metadata.size(bucketPrefix),
    snapshot: (prefixes, visit) => metadata.snapshot(prefixes, visit),
    reclaim: () => metadata.reclaim(),
    compact: () => metadata.compact(),
    checkIntegrity: () => metadata.checkIntegrity(),
    changeToken: () => metadata.changeToken(),
    isInPlace: () => metadata.isInPlace(),
    search: (query) => metadata.search(query),
    buckets: (options) => metadata.buckets(options),
    matching: (bucket, prefix, now) => metadata.matching(bucket, prefix, now),
    keysUnder: (bucket, prefix, options) => metadata.keysUnder(bucket, prefix, options),
    expired: (now, options) => metadata.expired(now, options),
    bucketUse: (bucket) => metadata.bucketUse(bucket),
    aged: (bucket, until, options) => metadata.aged(bucket, until, options),
    countAged: (bucket, until) => metadata.countAged(bucket, until),
    checkIndex: () => metadata.checkIndex(),
    async rebuildIndex() {
      await identity.ready();
      await metadata.rebuildIndex();
    },
  };
}
