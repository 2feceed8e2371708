// The files that an installation runs, in dist.

/** The programs. `build.mjs` makes them; `launcher.ts` checks that they are there. */
export const programs = [
  "main.js",
  "server.cjs",
  "commands.cjs",
  "sqlite-thread.cjs",
  "digest-thread.cjs",
  "analysis-thread.cjs",
  "small-files-thread.cjs",
];

/** All files in dist that are needed, without bytecode. */
export const distFiles = [...programs, "package.json", "THIRD-PARTY-LICENSES.txt"];
