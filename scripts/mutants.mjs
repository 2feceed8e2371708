// Checks the tests: removes one safeguard of the store at a time, and expects a test to fail.
// Works on a copy of the checkout. Usage: node scripts/mutants.mjs [part of a name]
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { mutants } from "./mutants/list.mjs";

const wanted = process.argv[2] ?? "";
const root = resolve(import.meta.dirname, "..");
const copy = mkdtempSync(join(tmpdir(), "artifacts-mutants-"));
for (const name of ["src", "test", "scripts", "package.json", "tsconfig.json", "vitest.config.ts", "README.md"]) {
  cpSync(join(root, name), join(copy, name), { recursive: true });
}
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));

/** @param {readonly string[]} tests */
function fails(tests) {
  const args = ["vitest", "run", "--bail=1", ...tests];
  const { status } = spawnSync("npx", args, { cwd: copy, stdio: "ignore", timeout: 20 * 60_000 });
  return status !== 0;
}

const survivors = [];
try {
  const all = [...new Set(mutants.flatMap(({ tests }) => tests))];
  if (fails(all)) throw new Error("the tests fail without any mutant");
  for (const { name, file, from, to, tests } of mutants.filter((mutant) => mutant.name.includes(wanted))) {
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    if (text.split(from).length !== 2) throw new Error(`${name}: the text to replace is not exactly once in ${file}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
    const isFound = fails(tests);
    writeFileSync(path, text);
    process.stdout.write(`${isFound ? "found   " : "SURVIVED"}  ${name}\n`);
    if (!isFound) survivors.push(name);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
process.stdout.write(`${survivors.length} survived\n`);
process.exitCode = survivors.length === 0 ? 0 : 1;
