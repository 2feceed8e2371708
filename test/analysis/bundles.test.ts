import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bundleProgram } from "../../scripts/build.mjs";
import type { runAnalysis } from "../../src/analysis/run-analysis.js";
import { temporaryDirectory } from "../support/directories.js";

/** The packages that read formats. */
const libraries =
  /[\\/]node_modules[\\/](@streamparser|apache-arrow|diff|file-type|hyparquet|hyparquet-compressors|papaparse)[\\/]/;

/** Notes which libraries are evaluated, in `globalThis.evaluated`. */
const noting = {
  name: "noting",
  setup({ onLoad }: import("esbuild").PluginBuild) {
    onLoad({ filter: libraries }, async ({ path }) => {
      const name = JSON.stringify(libraries.exec(path)?.[1]);
      const contents = `${await readFile(path, "utf8")}\n;(globalThis.evaluated ??= new Set()).add(${name});`;
      return { contents, loader: path.endsWith(".json") ? "json" : "js" };
    });
  },
};

describe("the bundles", () => {
  it("the server's has no code of analyses, and none of their libraries", async () => {
    const files = await bundleProgram("src/cli/main.ts", join(await temporaryDirectory(), "server.cjs"), "cjs");
    expect(files.filter((file) => libraries.test(`/${file}`) || /^src[\\/]analysis[\\/]/.test(file))).toEqual([]);
  });

  it("that of analyses evaluates a library when it is needed", async () => {
    const bundle = join(await temporaryDirectory(), "analysis.cjs");
    const files = await bundleProgram("src/analysis/run-analysis.ts", bundle, "cjs", undefined, { plugins: [noting] });
    expect(files.filter((file) => libraries.test(`/${file}`))).not.toEqual([]);
    const analysis: { runAnalysis: typeof runAnalysis } = createRequire(import.meta.url)(bundle);
    const evaluated = () => [...((globalThis as { evaluated?: Set<string> }).evaluated ?? [])];
    const text = Buffer.from("some text\n");
    const source = { key: "a.txt", mimeType: "text/plain", bytes: 10, read: async () => text };
    const wanted = { kind: "find", find: "text", regex: false, context: 0, chars: 100 } as const;
    const run = { isOver: () => false, report: () => undefined };
    expect(await analysis.runAnalysis(wanted, [source], run)).toMatchObject({ total: 1 });
    expect(evaluated()).toEqual([]);
    const picture = { ...source, bytes: 16, read: async () => Buffer.from("89504e470d0a1a0a0000000d49484452", "hex") };
    await expect(analysis.runAnalysis(wanted, [picture], run)).rejects.toThrow("no text");
    expect(evaluated()).toEqual(["file-type"]);
  });
});
