import { defaultRoot } from "./directories.js";
import type { OptionValues } from "./option-values.js";

/** Which store, and its limits. The fields have the values of the options with the same names. */
export interface StoreConfig {
  /** Absolute path of the data directory. */
  readonly root: string;
  /** The person has chosen the root, so its parent must exist. */
  readonly isRootNamed: boolean;
  readonly readOnly: boolean;
  readonly maxArtifactBytes: number;
  readonly maxChunkBytes: number;
  readonly keepVersions: number;
  readonly sessionTtlMs: number;
  readonly maxStoreBytes: number;
  readonly maxOpenSessions: number;
  readonly maxUnfinishedBytes: number;
  /** What the name of every bucket begins with in the store, and not in what clients send and get; empty for nothing. */
  readonly bucketPrefix: string;
}

/** @throws ConfigError */
export function storeConfig({ all, one }: OptionValues, environment: NodeJS.ProcessEnv): StoreConfig {
  return {
    root: one("root") ?? defaultRoot(environment),
    isRootNamed: all("root").length > 0,
    readOnly: one("read-only"),
    maxArtifactBytes: one("max-artifact-bytes"),
    maxChunkBytes: one("max-chunk-bytes"),
    keepVersions: one("keep-versions"),
    sessionTtlMs: one("session-ttl"),
    maxStoreBytes: one("max-store-bytes"),
    maxOpenSessions: one("max-open-sessions"),
    maxUnfinishedBytes: one("max-unfinished-bytes"),
    bucketPrefix: one("bucket-prefix"),
  };
}
