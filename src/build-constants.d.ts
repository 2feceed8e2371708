/** Folder of the bundled programs that run in threads. `scripts/build.mjs` and `vitest.config.ts` define it. */
declare const WORKERS_FOLDER: string;

/**
 * Stores the bytecode of the running bundle for the next start. Undefined if this start has used stored bytecode.
 * `bundle-script.ts` defines it.
 */
declare const STORE_BYTECODE: (() => boolean) | undefined;
