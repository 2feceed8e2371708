import { createStore, type Store, type StoreOptions } from "../../src/store/store.js";
import { createMemoryBlobStore, createMemoryMetadataStore, type MemoryBlobOptions } from "./memory-engines.js";
import { createMemoryFiles } from "./memory-files.js";
import { silentLog } from "./silent-log.js";

export interface MemoryEnginesOptions extends MemoryBlobOptions {
  readonly rows?: Map<string, string>;
}

export function createMemoryEngines({ rows, ...options }: MemoryEnginesOptions = {}) {
  return { metadata: createMemoryMetadataStore(rows), blobs: createMemoryBlobStore(options) };
}
export type MemoryEngines = ReturnType<typeof createMemoryEngines>;

/** A store over engines that other stores may share, as other processes would. */
export function storeOn(engines: Pick<StoreOptions, "metadata" | "blobs">, options: Partial<StoreOptions> = {}): Store {
  return createStore({ log: silentLog, files: createMemoryFiles(), ...engines, ...options });
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
  return store.artifacts.save({ bucket, key, bytes: bytesOf(text), otherwise: "text/plain", if_version });
}
