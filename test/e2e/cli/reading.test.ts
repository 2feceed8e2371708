import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectRefusal, runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { builtServer, startServer } from "../../support/server-process.js";

async function stored() {
  const root = await temporaryDirectory();
  const server = await startServer(root);
  const save = (key: string, content: string, more: object = {}) =>
    server.call("save_artifact", { bucket: "b", key, content, ...more });
  const run = (...args: string[]) => runCommand([...args, "--root", root]);
  return { root, save, run };
}

describe("cat", () => {
  it("ends with 130 at a signal while its reader stalls", async () => {
    const { root, save } = await stored();
    await save("big", "x".repeat(4_000_000));
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const cat = spawn(process.execPath, [builtServer, "cat", "b/big", "--root", root]);
      await once(cat.stdout, "readable"); // it has begun, and nobody reads on
      cat.kill(signal);
      expect(await once(cat, "exit")).toEqual([130, null]);
    }
  });

  it("writes contents one after the other, of any version", async () => {
    const { save, run } = await stored();
    await save("k", "one\n");
    await save("k", "two\n");
    await save("odd@3", "odd\n");
    expect(run("cat", "b/k", "b/k@1", "artifact://b/k@latest", "b/odd@3@latest")).toEqual({
      status: 0,
      stdout: "two\none\ntwo\nodd\n",
      stderr: "",
    });
  });

  it("says how a key that ends like a version is written", async () => {
    const { save, run } = await stored();
    await save("m@3", "x");
    const commands = [["cat"], ["rm"], ["describe"], ["diff"], ["cp", "b/copy"], ["get", "./copy"]];
    for (const [command = "", ...more] of commands) {
      expectRefusal(
        run(command, "b/m@3", ...more),
        1,
        'no artifact "m"',
        'The key "m@3" is there: write b/m@3@latest.',
      );
    }
    expectRefusal(run("cat", "b/n@3"), 1, 'no artifact "n"');
  });

  it("writes every byte of binary content", async () => {
    const { root, save } = await stored();
    const bytes = randomBytes(3_000_000);
    await save("bin", bytes.toString("base64"), { encoding: "base64" });
    const args = [builtServer, "cat", "b/bin", "--root", root];
    const { stdout } = spawnSync(process.execPath, args, { maxBuffer: 10_000_000 });
    expect(stdout.equals(bytes)).toBe(true);
  });

  it("names what it cannot write, and writes the rest, exit 1", async () => {
    const { save, run } = await stored();
    await save("notes.md", "x");
    await save("other", "y");
    const { status, stdout, stderr } = run("cat", "b/notes.MD", "b/other@7", "b/other");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "y" });
    expect(stderr).toMatch(/^artifacts-mcp: .*"notes\.md"\.\nartifacts-mcp: .*there is version 1.*versions.*\n$/);
  });

  it("does not pass damaged content off as whole, exit 1", async () => {
    const { root, save, run } = await stored();
    await save("big", "x".repeat(200_000));
    const folder = join(root, "content");
    const [file = ""] = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.0-/.test(name));
    const bytes = readFileSync(join(folder, file));
    bytes[1000] = 0;
    writeFileSync(join(folder, file), bytes);
    const { status, stdout, stderr } = run("cat", "b/big");
    expect(status).toBe(1);
    expect(stdout.length).toBeLessThan(200_000);
    expect(stderr).toMatch(/^artifacts-mcp: The content of version 1 of "big" in bucket "b" is damaged.*verify.*\n$/);
  });
});

describe("describe", () => {
  it("prints what content is: columns, the shape of JSON, entries", async () => {
    const { save, run } = await stored();
    await save("t.csv", "name,price\na,1\nb,2\na,\n");
    expect(run("describe", "b/t.csv").stdout).toBe(`csv, 3 rows x 2 columns, 22 bytes, version 1.
COLUMN  TYPE     EMPTY  DIFFERENT  LEAST  GREATEST  FREQUENT
name    text         0          2  a      b         a (2), b (1)
price   integer      1          2  1      2
`);
    await save("o.json", '{"a":[1,2]}');
    expect(run("describe", "b/o.json").stdout).toContain("object of 1 {a: array of 2 of number}\n");
    expect(JSON.parse(run("describe", "--json", "b/t.csv").stdout)).toMatchObject({
      bucket: "b",
      version: 1,
      format: "csv",
      table: { rows: 3 },
    });
  });

  it("prints nothing that controls a terminal", async () => {
    const { save, run } = await stored();
    await save("evil.json", '{"a\\u001b[2J":1}');
    const { stdout } = run("describe", "b/evil.json");
    expect(stdout).toContain("a\\u001b[2J");
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

describe("diff", () => {
  it("prints a unified diff of two versions that patch takes, exit 0", async () => {
    const { save, run } = await stored();
    await save("k.txt", "one\ntwo\n");
    await save("k.txt", "one\n2\n");
    const wanted = `From version 1 to 2: 1 line added, 1 removed, in 1 place.
--- b/k.txt version 1
+++ b/k.txt version 2
@@ -1,2 +1,2 @@
 one
-two
+2
`;
    for (const words of [["b/k.txt"], ["b/k.txt@1", "b/k.txt"], ["b/k.txt@1", "b/k.txt@2"]]) {
      expect(run("diff", ...words)).toEqual({ status: 0, stdout: wanted, stderr: "" });
    }
    expect(run("diff", "b/k.txt@1", "b/k.txt@1").stdout).toMatch(/^Identical: /);
  });

  it("prints the rows of a table that changed", async () => {
    const { save, run } = await stored();
    await save("a.csv", "id,x\n1,2\n2,3\n");
    await save("b.csv", "id,x\n1,2\n2,4\n3,5\n");
    expect(run("diff", "--by", "id", "b/a.csv", "b/b.csv").stdout).toContain("\n~ id=2: x 3 -> 4\n+ id=3: x=5\n");
    const found = JSON.parse(run("diff", "--json", "b/a.csv", "b/b.csv").stdout);
    expect(found).toMatchObject({ before: { key: "a.csv" }, after: { key: "b.csv" }, kind: "table" });
    expect(run("diff", "b/a.csv", "b/b.csv").stderr).toBe('artifacts-mcp: --by "id" shows the rows that changed.\n');
  });

  it("says what it cannot compare, exit 1 or 2", async () => {
    const { save, run } = await stored();
    await save("k.txt", "one\n");
    expectRefusal(run("diff", "b/k.txt"), 1, "has only one version", "another artifact");
    expectRefusal(run("diff", "b/k.txt", "b/k.tyt"), 1, '"k.txt"');
    expectRefusal(run("diff"), 2, "BUCKET/KEY");
    expectRefusal(run("diff", "b/1", "b/2", "b/3"), 2, '"b/3"');
    expectRefusal(run("describe", "b"), 2, "BUCKET/KEY");
  });
});
