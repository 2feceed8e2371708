import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const folders = ["", "docs", "docs/decisions", ".github", "examples"];
const documents = folders.flatMap((folder) => {
  const path = join(repository, folder);
  const names = existsSync(path) ? readdirSync(path) : [];
  return names.filter((name) => name.endsWith(".md")).map((name) => join(folder, name));
});

const textOf = (document: string): string => readFileSync(join(repository, document), "utf8");

/** Without blocks of code, whose text is no link and no heading. */
const proseOf = (document: string): string => textOf(document).replace(/^ *```[\s\S]*?^ *```/gm, "");

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf(document: string): string[] {
  const headings = [...proseOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading ?? "");
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Paths of this repository that a document names in code style. */
function pathsIn(document: string): string[] {
  const named = proseOf(document).matchAll(/`((?:src|test|scripts|bench)\/[\w./-]*)`/g);
  return [...named].map(([, path]) => path ?? "");
}

/** Links to files, each with its anchor. */
function linksIn(document: string): { path: string; anchor: string | undefined }[] {
  const links = proseOf(document).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g);
  return [...links].map(([, path, anchor]) => {
    const target = path ? relative(repository, join(repository, dirname(document), path)) : document;
    return { path: target, anchor };
  });
}

describe.each(documents)("%s", (document) => {
  it("names only files that exist", () => {
    expect(pathsIn(document).filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });

  it("links only to files and headings that exist", () => {
    const broken = linksIn(document).filter(({ path, anchor }) => {
      if (!existsSync(join(repository, path))) return true;
      return anchor !== undefined && !anchorsOf(path).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

it.each(["SECURITY.md", "docs/guarantees.md"])("%s names tests", (document) => {
  expect(pathsIn(document).filter((path) => path.endsWith(".test.ts")).length).toBeGreaterThan(10);
});

it.each(["README.md", "ARCHITECTURE.md"])("%s has at most 1,000 words", (document) => {
  expect(textOf(document).trim().split(/\s+/).length).toBeLessThanOrEqual(1_000);
});

it("README.md has each tool in its table", () => {
  const files = readdirSync(join(repository, "src/mcp/tools")).filter((name) => name !== "all-tools.ts");
  const tools = files.map((name) => name.replace(".ts", "").replaceAll("-", "_"));
  expect(tools.filter((tool) => !textOf("README.md").includes(`| \`${tool}\` |`))).toEqual([]);
});

it("docs/evaluations.md shows the example that CI runs", () => {
  expect(textOf("docs/evaluations.md")).toContain(`\n\`\`\`js\n${textOf("examples/evaluation.mjs")}\`\`\`\n`);
});

it("the index of decisions has each decision", () => {
  const pages = readdirSync(join(repository, "docs/decisions")).filter((name) => /^\d{3}-/.test(name));
  const index = textOf("docs/decisions/README.md");
  expect(pages.filter((page) => !index.includes(`(${page})`))).toEqual([]);
});
