import * as fs from "node:fs/promises";
import { createRequire, SourceMap } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { ownSqlite3 } from "../../../scripts/build.mjs";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));
/** The driver has a binary, so it is not bundled. */
const driver = createRequire(import.meta.url).resolve("@photostructure/sqlite");

export interface MortalProgram {
  readonly path: string;
  /** The source line of a position in the program, for example `src/store/rows.ts:97`. */
  sourceOf(position: string): string;
}

/** Builds, from the current sources, the program that dies at a given step. */
export async function buildMortalProgram(folder: string): Promise<MortalProgram> {
  const path = join(folder, "child.mjs");
  await build({
    entryPoints: [join(here, "child.ts")],
    outfile: path,
    bundle: true,
    platform: "node",
    target: "node20.19",
    format: "esm",
    sourcemap: "external",
    sourcesContent: false,
    plugins: [mortalEngines, ownSqlite3],
    define: { WORKERS_FOLDER: JSON.stringify(join(repository, "dist")) },
    banner: {
      js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  const map = new SourceMap(JSON.parse(await fs.readFile(`${path}.map`, "utf8")));
  return {
    path,
    sourceOf(position) {
      const [line = 1, column = 1] = position.split(":").map(Number);
      const entry = map.findEntry(line - 1, column - 1);
      if (!("originalSource" in entry)) throw new Error(`${position} of ${path} has no source`);
      const source = relative(repository, join(folder, entry.originalSource));
      return `${source}:${entry.originalLine + 1}`;
    },
  };
}

/** Replaces the modules that the engines import by modules that count their steps. Nothing else is replaced. */
const mortalEngines: Plugin = {
  name: "mortal-engines",
  setup({ onResolve, onLoad }) {
    onResolve(
      { filter: /^(node:fs\/promises|keyv|@keyv\/sqlite|\..*\/(sqlite-thread|driver|local-connection)\.js)$/ },
      (found) =>
        found.importer.startsWith(join(repository, "src"))
          ? { path: found.path.replace(/^\..*\//, "./"), namespace: "mortal" }
          : undefined,
    );
    onResolve({ filter: /^@photostructure\/sqlite$/ }, () => ({ path: driver, external: true }));
    onLoad({ filter: /src\/store\/store\.ts$/ }, async ({ path }) => ({
      contents: withCallerEngines(await fs.readFile(path, "utf8")),
      loader: "ts",
    }));
    onLoad({ filter: /.*/, namespace: "mortal" }, ({ path }) => ({
      contents: replacements[path] ?? "",
      resolveDir: here,
    }));
  },
};

/** The store awaits something before it calls its engines, and stacks end there. So the caller is recorded before. */
function withCallerEngines(source: string): string {
  const wrappers = [
    ["checkedMetadata(options.metadata, identity)", "callerMetadata"],
    ["checkedContent(options.content, identity)", "callerContent"],
  ] as const;
  const path = JSON.stringify(join(here, "caller-engines.ts"));
  // The import goes on the first line, so that all other lines keep their numbers.
  let changed = `import { callerContent, callerMetadata } from ${path}; ${source}`;
  for (const [made, wrap] of wrappers) {
    if (!source.includes(`= ${made};`)) throw new Error(`src/store/store.ts has no ${made}`);
    changed = changed.replace(`= ${made};`, `= ${wrap}(${made});`);
  }
  return changed;
}

const replacements: Readonly<Record<string, string>> = {
  "node:fs/promises": `
    import { mortalFileSystem } from "./mortal-fs.ts";
    export const { ${Object.keys(fs)
      .filter((name) => name !== "default")
      .join(", ")} } = mortalFileSystem;`,
  keyv: 'export { MortalKeyv as Keyv } from "./mortal-keyv.ts";',
  "./local-connection.js": 'export { openMortalConnection as openLocalConnection } from "./mortal-connection.ts";',
  "./driver.js": 'export { loadSqliteDriver, SqliteDriverError } from "./mortal-driver.ts";',
  "./sqlite-thread.js": 'export { mortalSqliteThread as sharedSqliteThread } from "./mortal-sqlite-thread.ts";',
  "@keyv/sqlite": 'export { MortalKeyvSqlite as default } from "./mortal-keyv.ts";',
};
