import { stat } from "node:fs/promises";
import type { MetadataStore } from "../../store/ports/metadata-store.js";
import { translatingErrors } from "../engine-error.js";
import type { LocalConnection, SqliteConnection } from "./database/connection.js";
import type { DatabaseFile } from "./database-file.js";
import { readStoreSize } from "./index/index-summaries.js";
import { compactDatabase, reclaimSpace } from "./reclaim-space.js";
import type { InTurn } from "./write-turns.js";

export interface DatabaseSpaceDependencies {
  /** Path of the database. */
  readonly file: string;
  readonly database: DatabaseFile;
  /** A connection that only reads. It is opened by the first call. */
  readonly reader: () => Promise<LocalConnection>;
  readonly writer: SqliteConnection;
  /** Runs a write in its turn, while the database is still at its path. */
  readonly write: InTurn;
}

/** The methods of a metadata store about the space that its database takes. */
export function createDatabaseSpace({
  file,
  database,
  reader,
  writer,
  write,
}: DatabaseSpaceDependencies): Pick<MetadataStore, "size" | "reclaim" | "compact"> {
  const readSize = (bucketPrefix: string) =>
    translatingErrors(async () => (await reader()).readSnapshot((query) => readStoreSize(query, bucketPrefix)));
  return {
    async size(bucketPrefix) {
      const [size, freeDiskBytes] = await Promise.all([readSize(bucketPrefix), database.freeBytes()]);
      return { ...size, freeDiskBytes: Number.isFinite(freeDiskBytes) ? freeDiskBytes : undefined };
    },
    reclaim: () => write(() => reclaimSpace(writer, database.isDiskNearlyFull())),
    async compact() {
      const { databaseBytes: beforeBytes } = await readSize(""); // a part of it may still be in the WAL
      await compactDatabase(writer, write, () => database.isDiskNearlyFull());
      return { beforeBytes, afterBytes: (await stat(file)).size };
    },
  };
}
