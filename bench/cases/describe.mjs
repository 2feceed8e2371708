// The time to describe a CSV, against csv-parse, which only counts its rows.
import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parse } from "csv-parse";
import { random } from "../lib/artifact-rows.mjs";
import { main } from "../lib/programs.mjs";
import { RawServer } from "../lib/raw-server.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const rounds = 5;
const bytes = 100_000_000;
const cities = ["Berlin", "Paris", "New York", "São Paulo", "Tokyo"];
const comments = ["", "ok", '"said ""no"", twice"', "a longer comment of some words"];

/** Rows with integers, times, names, few and many different values, numbers, truth values, and some quotes. */
function* csv() {
  const below = random(22);
  yield "id,time,name,city,price,amount,flag,comment\n";
  for (let id = 1, length = 0; length < bytes; ) {
    let block = "";
    for (; block.length < 1_000_000; id += 1) {
      const time = new Date(1_577_836_800_000 + id * 37_000).toISOString();
      const cells = [id, time, `customer-${below(1_000_000)}`, cities[below(5)], (below(100_000) / 100).toFixed(2)];
      block += `${[...cells, below(500), below(2) === 1, comments[below(4)]].join(",")}\n`;
    }
    length += block.length;
    yield block;
  }
}

/** Describes the file each time as a new artifact, because a description is kept. @param {string} folder @param {string} path */
async function startServer(folder, path) {
  const args = ["--root", join(folder, "store"), "--log-level", "error", "--allow-path", folder];
  const server = new RawServer([process.execPath, main, ...args]);
  await server.initialize();
  let times = 0;
  const describe = async () => {
    times += 1;
    const copy = join(folder, `copy-${times}.csv`);
    const added = async function* () {
      yield* createReadStream(path);
      yield `0,,${times},,,,,\n`;
    };
    await pipeline(Readable.from(added()), createWriteStream(copy));
    const artifact = { bucket: "bench", key: `${times}.csv` };
    await server.call("import_file", { ...artifact, path: copy });
    return millisecondsOf(async () => {
      const { table, partial } = await server.call("describe_artifact", artifact);
      if (table === undefined || partial !== undefined) throw new Error(partial?.message ?? "the CSV is no table");
    });
  };
  return { server, describe };
}

/** @param {string} path */
async function countRows(path) {
  let rows = 0;
  const parser = createReadStream(path).pipe(parse());
  parser.on("data", () => {
    rows += 1;
  });
  await new Promise((resolve, reject) => parser.on("end", resolve).on("error", reject));
  if (rows < 1_000_000) throw new Error(`csv-parse found ${rows} rows`);
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export function run() {
  return withWorkFolder(async (folder) => {
    const path = join(folder, "source.csv");
    await pipeline(Readable.from(csv()), createWriteStream(path));
    const { server, describe } = await startServer(folder, path);
    const found = await medians(rounds, { ours: describe, theirs: () => millisecondsOf(() => countRows(path)) });
    await server.close();
    const work = "describe a CSV of 100 MB";
    return {
      tables: [
        {
          title: "Describing",
          about:
            "Through the server, over stdio: types, empty cells, least and greatest, different values and histograms of 8 columns in 1,100,000 rows. csv-parse only counts the rows, in its own process.",
          unit: "ms",
          subjects: ["artifacts-mcp", "csv-parse"],
          rows: [{ work, values: [found.ours, found.theirs] }],
        },
      ],
      targets: [
        { work, against: "csv-parse that counts rows", value: found.ours / found.theirs, wanted: { atMost: 2 } },
      ],
    };
  });
}
