// An evaluation: each sample gets an empty store that is exported at its end. A scorer reads the exports, and two runs
// are compared by their manifests.
//
// Usage, in a checkout after `npm ci`: node examples/evaluation.mjs DIRECTORY
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const results = process.argv[2] ?? "results";
const samples = [
  { id: "sums", question: "2 + 2", answer: "4" },
  { id: "capitals", question: "the capital of France", answer: "Paris" },
];

/** Lets an agent work on a sample. Its artifacts are in `place` afterwards. @param {string} place @param {any} sample */
async function runSample(place, sample) {
  const args = [main, "--log-level", "warn", "--ephemeral", "--keep-to", place];
  const transport = new StdioClientTransport({ command: process.execPath, args });
  const client = new Client({ name: "evaluation-example", version: "1.0.0" });
  await client.connect(transport);
  try {
    await agent(client, sample);
  } finally {
    await client.close(); // ends stdin: the server exports its store, and goes
  }
}

/** Stands for the agent: your harness has a model call these tools. @param {Client} client @param {any} sample */
async function agent(client, { id, question, answer }) {
  const content = `Question: ${question}\nAnswer: ${answer}\n`;
  const metadata = { sample: id };
  const result = await client.callTool({
    name: "save_artifact",
    arguments: { bucket: "answers", key: `${id}/answer.md`, content, metadata },
  });
  assert.ok(!result.isError, JSON.stringify(result.content));
}

/** Whether the answer is right. @param {string} place @param {any} sample */
async function score(place, { id, answer }) {
  const { artifacts } = JSON.parse(await readFile(join(place, "manifest.json"), "utf8"));
  const found = artifacts.find((/** @type {any} */ each) => each.metadata.sample === id);
  if (found === undefined) return false;
  // `file` is there if the file system could not take the name <bucket>/<key>.
  const text = await readFile(join(place, found.file ?? `${found.bucket}/${found.key}`), "utf8");
  return text.includes(`Answer: ${answer}`);
}

for (const run of ["first", "second"]) {
  await mkdir(join(results, run), { recursive: true });
  await Promise.all(samples.map((sample) => runSample(join(results, run, sample.id), sample)));
  const scores = await Promise.all(samples.map((sample) => score(join(results, run, sample.id), sample)));
  console.log(`Run ${run}: ${scores.filter(Boolean).length} of ${samples.length} answers are right.`);
}
for (const { id } of samples) {
  const texts = ["first", "second"].map((run) => readFile(join(results, run, id, "manifest.json"), "utf8"));
  const [first, second] = await Promise.all(texts);
  assert.equal(first, second, `the runs of ${id} differ`);
}
console.log(`Both runs have made the same artifacts. They are in ${results}.`);
