import type { PieceLimits } from "../../src/store/model/limits.js";
import { createStore, type Store, type StoreOptions } from "../../src/store/store.js";
import {
  createMemoryContentStore,
  type MemoryContentOptions,
  type MemoryContentStore,
} from "./memory-content-store.js";
import { createMemoryFiles } from "./memory-files.js";
import { createMemoryMetadataStore, type MemoryMetadataStore } from "./memory-metadata-store.js";
import { createPlainAnalyses } from "./plain-analyses.js";
import { silentLog } from "./silent-log.js";

export interface MemoryEnginesOptions extends MemoryContentOptions {
  readonly rows?: Map<string, string>;
  /** Bytes of the pieces in rows, by name. */
  readonly rowPieces?: Map<string, Uint8Array>;
}

export interface MemoryEngines {
  readonly metadata: MemoryMetadataStore;
  readonly content: MemoryContentStore;
}

export function createMemoryEngines({ rows, rowPieces, ...options }: MemoryEnginesOptions = {}): MemoryEngines {
  const metadata = createMemoryMetadataStore({
    ...(rows ? { rows } : {}),
    ...(rowPieces ? { pieces: rowPieces } : {}),
  });
  return { metadata, content: createMemoryContentStore(options) };
}

/** Stores all content that is not empty in the content store. So a few bytes behave like large content. */
export const noRowPieces: PieceLimits = {
  maxRowPieceBytes: 0,
  maxRowChunkBytes: 0,
  maxRowBytes: 0,
  maxPieces: 64,
  maxPublishedPieces: 8,
};
/** Three bytes fit in a row, six do not, and three pieces are too many for an upload. */
export const tinyPieces: PieceLimits = {
  maxRowPieceBytes: 3,
  maxRowChunkBytes: 3,
  maxRowBytes: 5,
  maxPieces: 2,
  maxPublishedPieces: 1,
};

/** A store on engines. Other stores on the same engines act like other processes. */
export function storeOn(
  engines: Pick<StoreOptions, "metadata" | "content">,
  options: Partial<StoreOptions> = {},
): Store {
  return createStore({
    log: silentLog,
    files: createMemoryFiles(),
    analyses: createPlainAnalyses(),
    ...engines,
    ...options,
  });
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, "utf8");

export async function textOf({ artifacts }: Store, bucket: string, key: string, version?: number): Promise<string> {
  const open = await artifacts.open(bucket, key, version);
  try {
    return Buffer.from(await open.read(0, open.artifact.bytes)).toString();
  } finally {
    await open.close();
  }
}

export async function saveText(store: Store, bucket: string, key: string, text: string, if_version?: number) {
  return store.artifacts.save({ bucket, key, bytes: bytesOf(text), defaultMimeType: "text/plain", if_version });
}
