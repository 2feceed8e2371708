// The files that an installation runs, in dist.

/** The programs. `build.mjs` makes them; `launcher.ts` checks that they are there. */
export const programs = [
  "main.js",
  "server.cjs",
  "commands.cjs",
  "sqlite-thread.cjs",
  "digest-thread.cjs",
  "analysis-thread.cjs",
];

/** Built without a source map, which would be large. Errors in them can be traced by the names of functions. */
const withoutMap = ["analysis-thread.cjs", "commands.cjs"];

export const sourceMaps = programs.filter((name) => !withoutMap.includes(name)).map((name) => `${name}.map`);

/** All files in dist that are needed, without source maps and bytecode. */
export const distFiles = [...programs, "package.json", "THIRD-PARTY-LICENSES.txt"];
