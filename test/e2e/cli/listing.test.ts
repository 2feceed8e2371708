import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { expectRefusal, runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { patience } from "../../support/patience.js";
import { builtServer, startServer } from "../../support/server-process.js";

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** A store that a server writes to, and the commands on it. */
async function stored() {
  const root = await temporaryDirectory();
  const server = await startServer(root);
  const save = (bucket: string, key: string, content: string, more: object = {}) =>
    server.call("save_artifact", { bucket, key, content, ...more });
  await save("runs", "march/a.csv", "id\n1\n", { metadata: { run: "41" } });
  await save("runs", "march/a.csv", "id\n1\n2\n", { metadata: { run: "42" } });
  await save("runs", "march/报告/b.md", "# B\n");
  await save("runs", "march.txt", "text");
  await save("runs", "top@3", "odd");
  await save("models", "w.bin", "w".repeat(3000));
  const run = (...args: string[]) => runCommand([...args, "--root", root]);
  const json = (...args: string[]) => JSON.parse(run(...args, "--json").stdout);
  return { root, server, save, run, json };
}

/** The cells of each line. */
const cellsOf = (stdout: string): string[][] =>
  stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split("\t"));

describe("ls, for a program", () => {
  it("prints addresses that other commands take, one level deep or all", async () => {
    const { run } = await stored();
    for (const all of [[], ["/"], ["s3://"]]) expect(run("ls", ...all).stdout).toBe("models\nruns\n");
    expect(run("ls", "runs").stdout).toBe("runs/march.txt\nruns/march/\nruns/top@3@latest\n");
    const folder = "runs/march/a.csv\nruns/march/报告/\n";
    for (const place of ["runs/march", "runs/march/", "s3://runs/march/"]) expect(run("ls", place).stdout).toBe(folder);
    expect(run("ls", "-r", "runs/mar").stdout).toBe("runs/march.txt\nruns/march/a.csv\nruns/march/报告/b.md\n");
    const all = run("ls", "--recursive").stdout.split("\n").slice(0, -1);
    expect(all).toHaveLength(5);
    for (const address of all) expect(run("cat", address).status).toBe(0);
  });

  it("prints exact facts with --long, with tabs between them", async () => {
    const { run } = await stored();
    const [artifact = [], folder = []] = cellsOf(run("ls", "-l", "runs/march").stdout);
    expect(artifact.slice(0, 7)).toEqual([
      "7",
      expect.stringMatching(isoTime),
      "2",
      "text/csv",
      "runs/march/a.csv",
      "",
      expect.stringContaining("test"),
    ]);
    expect(artifact[7]).toMatch(/^[0-9a-f]{64}$/);
    expect(artifact[8]).toBe('{"run":"42"}');
    expect(folder[4]).toBe("runs/march/报告/");
    expect(cellsOf(run("ls", "-l").stdout)[1]).toEqual(["18", "4", expect.stringMatching(isoTime), "runs"]);
  });

  it("prints one JSON document with the names of the API", async () => {
    const { json } = await stored();
    expect(json("ls").data[0]).toMatchObject({ name: "models", artifacts: 1, bytes: 3000 });
    const { data, prefixes } = json("ls", "runs/march");
    expect(data).toMatchObject([{ bucket: "runs", key: "march/a.csv", version: 2, metadata: { run: "42" } }]);
    expect(prefixes).toEqual(["march/报告/"]);
    expect(json("ls", "-r", "runs").data).toHaveLength(4);
  });

  it("lists a store that grows meanwhile, each key once, and ends with its reader", async () => {
    const { root, save } = await stored();
    const folder = `a/${"x".repeat(400)}`; // more than a pipe holds
    const keys = Array.from({ length: 300 }, (_, n) => `${folder}/${String(n).padStart(4, "0")}`);
    for (const key of keys) await save("runs", key, "x");
    let isOver = false;
    const writing = (async () => {
      for (let n = 0; !isOver; n += 1) await save("runs", `${folder}/more-${n}`, "x");
    })();
    const listing = spawn(process.execPath, [builtServer, "ls", "-r", "runs/a", "--root", root]);
    const lines: string[] = [];
    let rest = "";
    listing.stdout.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
    });
    expect(await once(listing, "close")).toEqual([0, null]);
    isOver = true;
    await writing;
    expect(lines.slice(0, 300)).toEqual(keys.map((key) => `runs/${key}`));
    expect(new Set(lines).size).toBe(lines.length);
    const script = 'set -o pipefail; "$0" "$1" ls -r runs --root "$2" | head -n 1';
    const piped = spawnSync("bash", ["-c", script, process.execPath, builtServer, root], { encoding: "utf8" });
    if (piped.error === undefined) expect(piped).toMatchObject({ status: 0, stdout: `${lines[0]}\n`, stderr: "" });
  });

  it("names what is near an address that is not there, in one line, exit 1", async () => {
    const { run } = await stored();
    expectRefusal(run("ls", "rnus"), 1, 'There is no bucket "rnus"', 'A similar bucket is "runs".');
    const searched = run("search", "runs/march/a.csv");
    expect(searched.stderr).toContain('"artifacts-mcp ls runs/march/a.csv" lists what is there');
    expect(searched.stderr).toContain('"artifacts-mcp search --bucket runs march/a.csv" searches it');
    expectRefusal(run("restore", "runs/march/a.csv@1"), 2, "artifacts-mcp cp runs/march/a.csv@1 runs/march/a.csv");
    expectRefusal(run("import", "/nowhere/at/all"), 1, 'There is no directory "/nowhere/at/all".');
    expectRefusal(run("ls", "runs/marhc/"), 1, 'nothing under "marhc/"', 'Similar folders: "march/".');
    expectRefusal(run("ls", "runs/*.csv"), 1, 'nothing under "*.csv"', "no wildcards");
    expectRefusal(run("tree", "runs/frobnicate"), 1, 'nothing under "frobnicate"', "artifacts-mcp search");
    expectRefusal(run("versions", "runs/a.csv"), 1, 'Similar keys in this bucket: "march/a.csv".');
    expectRefusal(run("du", "run/x"), 1, 'There is no bucket "run"', '"runs"');
  });

  it("refuses a wrong command line before it opens a store, exit 2", () => {
    const elsewhere = ["--root", "/nowhere/at/all"];
    expectRefusal(runCommand(["ls", "a", "b", ...elsewhere]), 2, '"b"');
    expectRefusal(runCommand(["ls", "a/b@2", ...elsewhere]), 2, "@2", "@latest");
    expectRefusal(runCommand(["versions", ...elsewhere]), 2, "BUCKET/KEY");
    expectRefusal(runCommand(["versions", "bucket", ...elsewhere]), 2, "BUCKET/KEY");
    expectRefusal(runCommand(["search", ...elsewhere]), 2, "needs words");
    expectRefusal(runCommand(["search", "x", "--order", "best", ...elsewhere]), 2, "newest");
    expectRefusal(runCommand(["search", "x", "--metadata", "run", ...elsewhere]), 2, "NAME=VALUE");
    expectRefusal(runCommand(["ls", ...elsewhere]), 1, "/nowhere");
  });
});

const hasScript = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0;

describe.skipIf(!hasScript)("on a terminal (needs script of util-linux)", () => {
  /** Runs a command with a terminal as its stdout. */
  async function onTerminal() {
    const { root, save } = await stored();
    const run = (words: string): string[] => {
      const command = `'${process.execPath}' '${builtServer}' ${words} --root '${root}'`;
      const { stdout } = spawnSync("script", ["-qec", command, "/dev/null"], { encoding: "utf8", ...patience });
      return stdout.replaceAll("\r\n", "\n").split("\n").slice(0, -1);
    };
    return { run, save };
  }

  it("ls prints a table with titles, sizes for a person and names without their folder", async () => {
    const { run } = await onTerminal();
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`;
    const [titles, artifact, folder] = run("ls runs/march");
    expect(titles).toBe("SIZE  SAVED             NAME");
    expect(artifact).toMatch(new RegExp(`^ 7 B  ${time}  a\\.csv$`));
    expect(folder).toMatch(/^ +报告\/$/);
    expect(run("ls")[1]).toMatch(new RegExp(`^2\\.9 KiB +1  ${time}  models$`));
  });

  it("du ends with a total", async () => {
    const { run } = await onTerminal();
    expect(run("du").at(-1)).toMatch(/^2\.9 KiB +3\.0 KiB +5 +6 {2}total$/);
  });

  it("no name or fact controls the terminal", async () => {
    const { run, save } = await onTerminal();
    await save("x", "k", "x", { metadata: { note: "\u001b[31mred\u0007" } });
    const text = run("ls -l x").join("\n");
    expect(text).toContain("\\u001b[31mred");
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

it("tree draws folders, and prints them as JSON", async () => {
  const { run, json } = await stored();
  expect(run("tree", "runs").stdout).toBe(`runs/
├── march.txt
├── march/
│   ├── a.csv
│   └── 报告/
│       └── b.md
└── top@3

2 folders, 4 artifacts
`);
  expect(run("tree").stdout).toMatch(/^models\/\n└── w\.bin\nruns\/\n/);
  expect(json("tree", "runs/march").data).toMatchObject([
    {
      bucket: "runs",
      prefix: "march/",
      entries: [{ key: "march/a.csv" }, { prefix: "march/报告/", entries: [{ key: "march/报告/b.md" }] }],
    },
  ]);
});

describe("search", () => {
  it("finds by words and by conditions, newest first, as many as are wanted", async () => {
    const { run, json } = await stored();
    expect(run("search", "march", "csv").stdout).toBe("runs/march/a.csv\n");
    expect(run("search", "--metadata", "run=42", "--mime-type", "text/*").stdout).toBe("runs/march/a.csv\n");
    expect(run("search", "march", "--prefix", "march/", "--bucket", "runs", "--order", "key").stdout).toBe(
      "runs/march/a.csv\nruns/march/报告/b.md\n",
    );
    expect(json("search", "--bucket", "runs", "--limit", "2", "--order", "largest").data).toHaveLength(2);
  });

  it("that finds nothing says why on stderr, exit 0", async () => {
    const { run } = await stored();
    const { status, stdout, stderr } = run("search", "march", "zzz");
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(stderr).toMatch(/^artifacts-mcp: nothing was found\. No bucket, key or metadata has "zzz"\.[^\n]*\n$/);
    expectRefusal(run("search", "x", "--bucket", "rnus"), 1, 'A similar bucket is "runs".');
  });
});

it("versions lists them, newest first", async () => {
  const { run, json } = await stored();
  expect(run("versions", "runs/march/a.csv").stdout).toBe("runs/march/a.csv@2\nruns/march/a.csv@1\n");
  expect(cellsOf(run("versions", "runs/march/a.csv", "--long").stdout)[1]?.slice(0, 2)).toEqual(["1", "5"]);
  expect(json("versions", "runs/march/a.csv").data).toMatchObject([{ version: 2 }, { version: 1, bytes: 5 }]);
});

it("du adds up buckets and folders, by their newest versions and by all", async () => {
  const { run, json } = await stored();
  expect(run("du").stdout).toBe("3000\t3000\t1\t1\tmodels\n18\t23\t4\t5\truns\n3018\t3023\t5\t6\ttotal\n");
  expect(cellsOf(run("du", "runs").stdout)).toEqual([
    ["11", "16", "2", "3", "runs/march/"],
    ["7", "7", "2", "2", "runs/ (in no folder)"],
    ["18", "23", "4", "5", "runs/"],
  ]);
  expect(json("du", "runs").total).toEqual({ artifacts: 4, bytes: 18, versions: 5, all_bytes: 23 });
});

it("uploads lists those that are unfinished, with how far they are", async () => {
  const { server, run, json } = await stored();
  const { id = "" } = await server.call("create_upload_session", { bucket: "runs", key: "big", size: 10 });
  await server.call("upload_chunk", { session_id: id, offset: 0, data: "abcd" });
  expect(cellsOf(run("uploads").stdout)).toEqual([[id, "4", "10", "open", expect.stringMatching(isoTime), "runs/big"]]);
  expect(json("uploads", "runs/big").data).toMatchObject([{ id, offset: 4, size: 10, status: "open" }]);
  expect(run("uploads", "models").stdout).toBe("");
  expectRefusal(run("rm", "-y", id), 2, `uploads --abort ${id}`);
  expectRefusal(run("uploads", "--abort"), 2, "needs the ids");
  expectRefusal(run("uploads", "--abort", "runs/big"), 2, '"runs/big" is no id');
  const gone = "0".repeat(32);
  const aborted = run("uploads", "--abort", gone, id);
  expect(aborted).toMatchObject({ status: 1, stdout: `aborted ${id}, runs/big\n` });
  expect(aborted.stderr).toMatch(new RegExp(`^artifacts-mcp: ${gone}: [^\n]+\n$`));
  expect(run("uploads").stdout).toBe("");
  expect(json("uploads", "--abort", id)).toMatchObject({ data: [{ id, status: "aborted" }], failed: [] });
});
