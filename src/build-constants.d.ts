/** Folder of the bundled programs that run in threads: `scripts/build.mjs` and `vitest.config.ts` put it in. */
declare const WORKERS_FOLDER: string;

/** Of the bundle: stores its bytecode for the next start. Undefined if there is one already; see `bundle-script.ts`. */
declare const LEAVE_BYTECODE: (() => boolean) | undefined;
