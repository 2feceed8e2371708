import { Gauge, type Registry } from "prom-client";
import { describeError } from "../../api/failures.js";
import type { Log } from "../../store/ports/log.js";
import type { StoreSize } from "../../store/ports/store-size.js";
import type { Store } from "../../store/store.js";

/** The store is looked at once in this time, in milliseconds, however often the metrics are read. */
const maxAgeMs = 5_000;

/** The name of each gauge, its help and its value. */
const gauges: readonly (readonly [name: string, help: string, of: (size: StoreSize) => number | undefined])[] = [
  ["store_buckets", "Buckets that hold an artifact.", ({ buckets }) => buckets],
  ["store_artifacts", "Keys in all buckets.", ({ artifacts }) => artifacts],
  ["store_bytes", "Bytes of all versions of all keys.", ({ bytes }) => bytes],
  ["store_newest_bytes", "Bytes of the newest versions of all keys.", ({ newestBytes }) => newestBytes],
  ["open_uploads", "Uploads that are not finished.", ({ openUploads }) => openUploads],
  ["database_bytes", "Size of the database, without its write-ahead log.", ({ databaseBytes }) => databaseBytes],
  ["database_free_bytes", "Unused space inside of the database.", ({ freeDatabaseBytes }) => freeDatabaseBytes],
  ["disk_free_bytes", "Free space on the disk of the store.", ({ freeDiskBytes }) => freeDiskBytes],
];

/** Adds the metrics of the store. While it cannot be read, they are left out, and `artifacts_mcp_store_up` is 0. */
export function addStoreMetrics(registry: Registry, store: Pick<Store, "size">, log: Log): void {
  const registers = [registry];
  const sizes = createSizes(store, log);
  new Gauge({
    name: "artifacts_mcp_store_up",
    help: "Whether the store could be read.",
    registers,
    async collect() {
      this.set((await sizes()) === undefined ? 0 : 1);
    },
  });
  for (const [name, help, of] of gauges) {
    new Gauge({
      name: `artifacts_mcp_${name}`,
      help,
      registers,
      async collect() {
        const size = await sizes();
        const value = size && of(size);
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
}

/** Returns the size of the store, not older than `maxAgeMs`; undefined if the store cannot be read. */
function createSizes(store: Pick<Store, "size">, log: Log): () => Promise<StoreSize | undefined> {
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let asked: Promise<StoreSize | undefined> = Promise.resolve(undefined);
  return () => {
    if (performance.now() - askedAtMs < maxAgeMs) return asked;
    askedAtMs = performance.now();
    asked = store.size().catch((error) => {
      log("warn", "store_not_measured", { error: describeError(error) });
      return undefined;
    });
    return asked;
  };
}
