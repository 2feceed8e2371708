/** How much a store holds, from numbers that the engine keeps: to read them takes no longer in a large store. */
export interface StoreSize {
  readonly buckets: number;
  /** Keys in all buckets. Those that have expired count until a sweep frees them. */
  readonly artifacts: number;
  /** Bytes of their newest versions. */
  readonly newestBytes: number;
  /** Bytes of all their versions. */
  readonly bytes: number;
  readonly openUploads: number;
  /** Size of the database that holds the rows, in bytes. */
  readonly databaseBytes: number;
  /** The part of it that holds nothing, in bytes. */
  readonly freeDatabaseBytes: number;
  /** Free space on the disk of the database, in bytes; undefined if the system does not tell. */
  readonly freeDiskBytes: number | undefined;
}
