import { randomUUID } from "node:crypto";
import { Archive } from "./archive/archive.js";
import { ArtifactStore } from "./artifacts/artifact-store.js";
import { type Backups, createBackups } from "./backup/backups.js";
import { fullNamesLog } from "./bucket-prefix/full-names-log.js";
import { prefixedMetadata } from "./bucket-prefix/prefixed-metadata.js";
import { BucketLimits, type BucketLimitsDependencies } from "./buckets/bucket-limits.js";
import { Buckets } from "./buckets/buckets.js";
import { Insight } from "./insight/insight.js";
import { AgeLimits } from "./maintenance/age-limits.js";
import { checkedContent, checkedMetadata } from "./maintenance/checked-engines.js";
import { createReadiness } from "./maintenance/readiness.js";
import { StoreIdentity } from "./maintenance/store-identity.js";
import { Sweep } from "./maintenance/sweep.js";
import { verify } from "./maintenance/verify.js";
import type { VerifyOptions, VerifyReport } from "./maintenance/verify-report.js";
import {
  defaultFreedGatherMs,
  defaultKeepVersions,
  defaultMaxChunkBytes,
  defaultMaxOpenSessions,
  defaultPieceLimits,
  defaultSessionTtlMs,
  type PieceLimits,
} from "./model/limits.js";
import { artifactPrefix } from "./model/row-keys.js";
import { FreedPieces } from "./pieces/freed-pieces.js";
import { Staging, type StagingDependencies } from "./pieces/staging.js";
import { type Analyses, noAnalyses } from "./ports/analyses.js";
import { type ArchiveFolders, noArchiveFolders } from "./ports/archive-folder.js";
import type { ContentStore } from "./ports/content-store.js";
import { type DerivedStore, noDerivedStore } from "./ports/derived-store.js";
import { type Digests, plainDigests } from "./ports/digests.js";
import type { LocalFiles } from "./ports/local-files.js";
import type { Log } from "./ports/log.js";
import type { Compaction, MetadataStore } from "./ports/metadata-store.js";
import type { StoreSize } from "./ports/store-size.js";
import { noTransferUrls, type TransferUrls } from "./ports/transfer-urls.js";
import { createChangeSignal } from "./publication/change-signal.js";
import { Ender, type EnderDependencies } from "./publication/ender.js";
import { Publisher, type PublisherDependencies } from "./publication/publisher.js";
import { Quota, type QuotaLimits } from "./publication/quota.js";
import { createRevisions, type Revisions } from "./publication/revisions.js";
import { StoreClock } from "./publication/store-clock.js";
import { createIds } from "./random-ids.js";
import { Rows, type RowsDependencies } from "./rows.js";
import { FileTransfer } from "./transfer/file-transfer.js";
import { Uploads } from "./uploads/uploads.js";

export interface Store extends Backups {
  readonly artifacts: ArtifactStore;
  readonly buckets: Buckets;
  readonly uploads: Uploads;
  readonly transfer: FileTransfer;
  readonly archive: Archive;
  readonly insight: Insight;
  readonly revisions: Revisions;
  readonly sweep: Sweep;
  readonly ageLimits: AgeLimits;
  /** How much the store holds in the buckets that its clients see: cheap, however large it is. */
  size(): Promise<StoreSize>;
  /** As `MetadataStore.compact`. */
  compact(): Promise<Compaction>;
  /** Checks every row against every file. */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /**
   * Resolves if this is still the store that was opened.
   *
   * @throws ArtifactError `store_replaced`; the errors of the engines
   */
  check(): Promise<void>;
  /**
   * Resolves if the store can be read, and written unless it is read-only.
   *
   * @throws ArtifactError the reason why the store is not ready
   */
  ready(): Promise<void>;
  /** Waits until running calls have ended. The caller closes the engines. */
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly files: LocalFiles;
  /** The directories to which exports are written. None by default. */
  readonly archiveFolders?: ArchiveFolders;
  readonly log: Log;
  /** Digests content that is read. By default that happens in the calling thread. */
  readonly digests?: Digests;
  /** Analyses content. None by default: a process that only checks a store needs none. */
  readonly analyses?: Analyses;
  /** Keeps what was derived from content. By default nothing is kept. */
  readonly derived?: DerivedStore;
  /** URLs for uploads and downloads; none by default. */
  readonly urls?: TransferUrls;
  /** The wall clock, in milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
  /** Milliseconds that only go forward; the system's by default. */
  readonly monotonicMs?: () => number;
  /** Returns an id of at least 128 random bits, in lower-case hex; from the system's generator by default. */
  readonly newId?: () => string;
  /** Returns a text that no process has returned before; a random UUID by default, as Node makes many UUIDs at a time. */
  readonly newRevision?: () => string;
  readonly maxArtifactBytes?: number;
  readonly maxChunkBytes?: number;
  readonly keepVersions?: number;
  readonly sessionTtlMs?: number;
  readonly maxStoreBytes?: number;
  readonly maxOpenSessions?: number;
  readonly maxUnfinishedBytes?: number;
  readonly readOnly?: boolean;
  /**
   * What the name of every bucket begins with in the store, and nowhere in `artifacts`, `uploads`, `transfer`, `insight`
   * and `revisions`, nor in `archive`. To them other buckets do not exist. Empty by default. All the rest, and the limits,
   * are about the whole store, and name buckets in full.
   */
  readonly bucketPrefix?: string;
  /** Which content lies in rows, and how many pieces an upload may have. */
  readonly pieceLimits?: PieceLimits;
  /** How long the rows of removed pieces wait, so that one transaction removes several. */
  readonly freedGatherMs?: number;
}

/** Creates an artifact store over two engines. Any number of stores, in any number of processes, may share their data. */
export function createStore(options: StoreOptions): Store {
  const { files, log, now = Date.now, monotonicMs = () => performance.now() } = options;
  const { newId = createIds(), newRevision = randomUUID } = options;
  const { urls = noTransferUrls, digests = plainDigests, analyses = noAnalyses, derived = noDerivedStore } = options;
  const { pieceLimits = defaultPieceLimits, freedGatherMs = defaultFreedGatherMs, readOnly = false } = options;
  const { sessionTtlMs = defaultSessionTtlMs, archiveFolders: folders = noArchiveFolders, bucketPrefix = "" } = options;
  const identity = new StoreIdentity({ ...options, newId, newRevision });
  const metadata = checkedMetadata(options.metadata, identity);
  const content = checkedContent(options.content, identity);
  const clock = new StoreClock({ metadata, now, monotonicMs, newRevision });
  const { nowSeconds } = clock;
  const signal = createChangeSignal(metadata, newRevision, log);
  const freed = new FreedPieces({ metadata, content, derived, log, gatherMs: freedGatherMs });
  const limits = artifactLimits(options);
  const engines = {
    content,
    freed,
    digests,
    newRevision,
    newId,
    nowSeconds,
    pieceLimits,
    signal,
    clock,
    monotonicMs,
    ...limits,
  };
  const whole = publicationOn({ ...engines, metadata, log });
  const clients = bucketPrefix === "" ? whole : publicationOn({ ...engines, ...under(bucketPrefix, metadata, log) });
  const quota = new Quota(metadata, quotaLimits(options), clients.bucketLimits, log);
  const shared = { ...clients, quota, urls };
  const uploads = new Uploads({ ...shared, sessionTtlMs, readOnly });
  const artifacts = new ArtifactStore({ ...shared, uploads, bucketPrefix, storeId: () => identity.ready() });
  return {
    artifacts,
    buckets: new Buckets({ metadata, limits: whole.bucketLimits, nowSeconds, newRevision }),
    uploads,
    transfer: new FileTransfer({ files, uploads, artifacts, maxChunkBytes: limits.maxChunkBytes }),
    archive: new Archive({ ...shared, folders, artifacts, uploads }),
    insight: new Insight({ artifacts, analyses, derived, log: clients.log, readOnly, ...pieceLimits }),
    revisions: createRevisions(clients.metadata),
    verify: (verifyOptions) => verify({ ...whole, identity }, verifyOptions),
    ...createBackups({ ...whole, identity, newRevision }),
    sweep: new Sweep({ ...whole, derived, identity }),
    ageLimits: new AgeLimits({ ...whole, identity, limits: whole.bucketLimits }),
    size: () => clients.metadata.size(""),
    compact: () => metadata.compact(),
    check: async () => void (await identity.check()),
    ready: createReadiness({
      ...whole,
      identity,
      readOnly,
      read: () => metadata.range(artifactPrefix, { limit: 1 }),
    }),
    async close() {
      await uploads.close();
      await freed.flush();
      await signal.close();
    },
  };
}

function artifactLimits(options: StoreOptions) {
  const { maxArtifactBytes = Number.MAX_SAFE_INTEGER, maxChunkBytes = defaultMaxChunkBytes } = options;
  const { keepVersions = defaultKeepVersions } = options;
  return { maxArtifactBytes, maxChunkBytes, keepVersions };
}

function quotaLimits(options: StoreOptions): QuotaLimits {
  const { maxStoreBytes = Number.MAX_SAFE_INTEGER, maxUnfinishedBytes = Number.MAX_SAFE_INTEGER } = options;
  const { maxOpenSessions = defaultMaxOpenSessions } = options;
  return { maxStoreBytes, maxOpenSessions, maxUnfinishedBytes };
}

type Engines = Omit<
  PublisherDependencies & EnderDependencies & StagingDependencies & RowsDependencies & BucketLimitsDependencies,
  "rows" | "staging" | "createdAt"
>;

/** Rows, and what changes them, over a view of the metadata. */
function publicationOn<Given extends Engines>(given: Given) {
  const bucketLimits = new BucketLimits(given);
  const engines = { ...given, createdAt: (bucket: string) => bucketLimits.createdAt(bucket) };
  const rows = new Rows(engines);
  const staging = new Staging({ ...engines, rows });
  const ender = new Ender({ ...engines, rows, staging });
  const publisher = new Publisher({ ...engines, rows, staging });
  return { ...engines, bucketLimits, rows, staging, ender, publisher };
}

/** The rows and the log of clients whose buckets all begin with a prefix in the store. */
const under = (bucketPrefix: string, metadata: MetadataStore, log: Log) => ({
  metadata: prefixedMetadata(metadata, bucketPrefix),
  log: fullNamesLog(log, bucketPrefix),
});
