import { randomBytes, randomUUID } from "node:crypto";
import { ArtifactStore } from "./artifact-store.js";
import type { BlobStore } from "./blob-store.js";
import { createChangeSignal, createRevisions, type Revisions } from "./changes.js";
import { type Digests, plainDigests } from "./digests.js";
import { FileTransfer } from "./file-transfer.js";
import { defaultKeepVersions, defaultMaxChunkBytes, defaultMaxOpenSessions, defaultSessionTtlMs } from "./limits.js";
import { type Links, noLinks } from "./links.js";
import type { LocalFiles } from "./local-files.js";
import type { Log } from "./log.js";
import type { MetadataStore } from "./metadata-store.js";
import { Publisher } from "./publish.js";
import { createRows } from "./rows.js";
import { Staging } from "./staging.js";
import { Sweep } from "./sweep.js";
import { Uploads } from "./uploads.js";
import { Usage } from "./usage.js";
import { type VerifyOptions, type VerifyReport, verify } from "./verify.js";

export interface Store {
  readonly artifacts: ArtifactStore;
  readonly uploads: Uploads;
  readonly transfer: FileTransfer;
  readonly revisions: Revisions;
  readonly sweep: Sweep;
  /** Checks every row against every file. */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /** Lets running calls end. The engines are the caller's to close. */
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly files: LocalFiles;
  readonly log: Log;
  /** What content is digested with that is read; where it is asked for by default. */
  readonly digests?: Digests;
  /** Where a face that listens takes and offers bytes; nowhere by default. */
  readonly links?: Links;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
  /** At least 128 random bits, of `0-9 a-f`; the system's generator by default. */
  readonly newId?: () => string;
  /** Never the same twice, in any process; a random UUID by default, which Node makes many of at a time. */
  readonly newRevision?: () => string;
  readonly maxArtifactBytes?: number;
  readonly maxChunkBytes?: number;
  readonly keepVersions?: number;
  readonly sessionTtlMs?: number;
  readonly maxStoreBytes?: number;
  readonly maxOpenSessions?: number;
  readonly maxUnfinishedBytes?: number;
  readonly readOnly?: boolean;
}

/** An artifact store over two engines. Any number of them, in any number of processes, may share the engines' data. */
export function createStore(options: StoreOptions): Store {
  const { metadata, blobs, files, log, now = Date.now } = options;
  const {
    newId = () => randomBytes(16).toString("hex"),
    newRevision = randomUUID,
    maxArtifactBytes = Number.MAX_SAFE_INTEGER,
    maxChunkBytes = defaultMaxChunkBytes,
    keepVersions = defaultKeepVersions,
    sessionTtlMs = defaultSessionTtlMs,
    maxStoreBytes = Number.MAX_SAFE_INTEGER,
    maxOpenSessions = defaultMaxOpenSessions,
    maxUnfinishedBytes = Number.MAX_SAFE_INTEGER,
    readOnly = false,
    links = noLinks,
    digests = plainDigests,
  } = options;
  const nowSeconds = () => Math.floor(now() / 1000);
  const rows = createRows(metadata, newRevision);
  const changes = createChangeSignal(metadata, newRevision, log);
  const publisher = new Publisher({ rows, metadata, blobs, changes, log, nowSeconds, keepVersions });
  const staging = new Staging(blobs, log);
  const usage = new Usage(metadata, { maxStoreBytes, maxOpenSessions, maxUnfinishedBytes }, log);
  const limits = { maxArtifactBytes, maxChunkBytes };
  const shared = { rows, metadata, blobs, publisher, usage, links, nowSeconds, newId, ...limits };
  const uploads = new Uploads({ ...shared, staging, sessionTtlMs, readOnly });
  const artifacts = new ArtifactStore({ ...shared, digests, changes, log });
  return {
    artifacts,
    uploads,
    transfer: new FileTransfer({ files, uploads, artifacts, maxChunkBytes }),
    revisions: createRevisions(metadata),
    verify: (verifyOptions) => verify({ rows, metadata, blobs, digests, nowSeconds }, verifyOptions),
    sweep: new Sweep({ rows, metadata, blobs, staging, publisher, log, nowSeconds }),
    async close() {
      await uploads.close();
      await changes.close();
    },
  };
}
