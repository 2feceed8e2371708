// Several servers share one data directory. All their clients work on the same few keys and uploads, and other processes
// sweep. Nothing may be lost or left over, and a client must be able to act on every error.
// Usage: node scripts/race.mjs [seconds] [processes] [seed] [--grace MS] [--kill] [--node PATH ...]
//   --grace MS  a sweep leaves younger saves and uploads alone; 0 by default, so it gives up saves that still run too
//   --kill      kills processes with kill -9 at random moments, and starts others
//   --node PATH the Node that runs the servers; several take turns
// If there is a fault, the data directory is kept, with all calls and answers in trace.txt beside it.
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleProgram } from "./build.mjs";
import { checkIntegrity, main, nodesInTurn, seededRandom, startServer } from "./harness.mjs";
import { counterKey, keepVersions, keptKeys, Ledger } from "./race/ledger.mjs";
import { givenUpMessage, Player } from "./race/player.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    grace: { type: "string", default: "0" },
    kill: { type: "boolean", default: false },
    node: { type: "string", multiple: true },
  },
});
const seconds = Number(positionals[0] ?? 60);
const processes = Number(positionals[1] ?? 8);
const seed = Number(positionals[2] ?? Date.now() % 1_000_000);
const graceMs = Number(values.grace);
const nextNode = nodesInTurn(values.node);
const sweepers = 2;
const playersPerServer = 2;

const ledger = new Ledger();
const swept = { sweeps: 0, expired: 0, settled: 0, rows: 0, files: 0, artifacts: 0, failed: 0 };
const totals = { calls: new Map(), refusals: new Map(), bytes: 0, givenUp: 0, unanswered: 0, kills: 0 };
const shared = { ledger, totals, mayGiveUp: graceMs === 0 };

/** A sweep may give up a save that still runs, and the server logs it. Any other line is a fault. @param {string} text */
function onLog(text) {
  for (const line of text.split("\n")) {
    const isGivenUp = shared.mayGiveUp && line.includes(givenUpMessage);
    ledger.check(line === "" || isGivenUp, `a server logged: ${line}`);
  }
}

/** @param {string} root @param {number} n */
function serve(root, n) {
  // Some uploads expire while other clients still write to them.
  const ttl = n % 2 === 0 ? "20s" : "3s";
  const options = ["--session-ttl", ttl, "--keep-versions", String(keepVersions), "--log-level", "warn"];
  return startServer(root, { options, onLog, node: nextNode() });
}

/** @param {string} program @param {string} root @param {string} mode */
function startSweeper(program, root, mode) {
  const env = { ...process.env, NODE_PATH: fileURLToPath(new URL("../node_modules", import.meta.url)) };
  const child = spawn(process.execPath, [program, root, mode], { env });
  let isKilled = false;
  child.stderr.on("data", (bytes) => ledger.fault(`a sweep logged: ${bytes}`));
  createInterface(child.stdout).on("line", (line) => {
    const { fault, swept: report } = JSON.parse(line);
    if (fault) ledger.fault(fault);
    if (report) addReport(report);
  });
  /** @type {Promise<void>} */
  const gone = new Promise((resolve) => {
    child.on("close", (code) => {
      ledger.check(isKilled || code === 0, `a sweep ended with ${code}`);
      resolve();
    });
  });
  return {
    gone,
    kill() {
      isKilled = true;
      child.kill("SIGKILL");
      return gone;
    },
    close() {
      child.stdin.end();
      return gone;
    },
  };
}

/** @param {Omit<typeof swept, "sweeps">} report */
function addReport({ expired, settled, rows, files, artifacts, failed }) {
  swept.sweeps += 1;
  swept.expired += expired;
  swept.settled += settled;
  swept.rows += rows;
  swept.files += files;
  swept.artifacts += artifacts;
  swept.failed += failed;
  ledger.check(failed === 0, `a sweep failed in ${failed} steps`);
}

/**
 * Keeps one process running: `replace` kills it, and starts another one in its place.
 *
 * @template {{ kill(): Promise<void>, close(): Promise<void> }} Process
 * @param {() => Promise<Process>} start
 */
function createSeat(start) {
  let process = start();
  return {
    process: () => process,
    async replace() {
      const old = await process;
      process = old.kill().then(start);
      await process;
    },
    close: async () => (await process).close(),
  };
}

/** @param {{ replace(): Promise<void> }[]} seats @param {number} until */
async function killAtRandom(seats, until) {
  const random = seededRandom(seed - 1);
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 200 + random() * 800));
    await seats[Math.floor(random() * seats.length)]?.replace();
    totals.kills += 1;
  }
}

/** @param {string} root @param {string} program */
async function race(root, program) {
  const servers = await Promise.all(
    Array.from({ length: processes }, async (_, n) => {
      const seat = createSeat(() => serve(root, n));
      await seat.process();
      return seat;
    }),
  );
  const sweeps = Array.from({ length: sweepers }, () =>
    createSeat(async () => startSweeper(program, root, String(graceMs))),
  );
  const until = performance.now() + seconds * 1000;
  const players = servers.flatMap(({ process }, n) =>
    Array.from({ length: playersPerServer }, async (_, m) => {
      const number = n * playersPerServer + m;
      const player = new Player(`player ${number}`, process, seededRandom(seed * 1_000 + number), shared);
      while (performance.now() < until) await player.turn();
    }),
  );
  if (values.kill) await killAtRandom([...servers, ...sweeps], until);
  await Promise.all(players);
  await Promise.all([...servers, ...sweeps].map((seat) => seat.close()));
}

/** Checks what a client finds after the race. @param {string} root */
async function audit(root) {
  const server = await serve(root, 0);
  const auditor = new Player("auditor", async () => server, seededRandom(seed), shared);
  for (const key of [counterKey, ...keptKeys]) {
    await auditor.listVersions(key);
    await auditor.readArtifact(key);
  }
  await server.close();
  const count = ledger.highest(counterKey);
  const isCounted = count >= ledger.counted && count <= ledger.counted + ledger.unanswered;
  ledger.check(
    isCounted,
    `${ledger.counted} saves were counted (and ${ledger.unanswered} had no answer), and ${count} are there`,
  );
}

/** @param {string} root @param {string} program */
async function tidyUp(root, program) {
  await startSweeper(program, root, "last").gone;
  const { status, stdout } = spawnSync(process.execPath, [main, "verify", "--root", root], { encoding: "utf8" });
  ledger.check(status === 0, `artifacts-mcp verify: ${stdout}`);
  const integrity = checkIntegrity(join(root, "metadata.sqlite"));
  ledger.check(integrity === "ok", `PRAGMA integrity_check: ${integrity}`);
}

/** @param {Map<string, number>} counts */
function countsText(counts) {
  const sum = [...counts.values()].reduce((all, count) => all + count, 0);
  return `${sum} (${[...counts].map(([name, count]) => `${name} ${count}`).join(", ") || "none"})`;
}

const directory = await mkdtemp(join(tmpdir(), "artifacts-mcp-race-"));
const root = join(directory, "store");
const program = join(directory, "sweeper.mjs");
await bundleProgram("scripts/race/sweeper.ts", program);
try {
  await race(root, program);
  await audit(root);
  await tidyUp(root, program);
} catch (error) {
  ledger.fault(error instanceof Error ? `${error.stack}` : String(error));
}
const { sweeps, expired, settled, rows, files, artifacts } = swept;
process.stdout.write(
  `${seconds} s, ${processes} processes, seed ${seed}, grace ${graceMs} ms: ${countsText(totals.calls)} calls; ` +
    `${countsText(totals.refusals)} refusals; ${totals.givenUp} saves given up and made again; ` +
    `counted to ${ledger.highest(counterKey)}; ${totals.bytes} bytes acknowledged; ` +
    `${sweeps} sweeps (${expired} expired, ${settled} settled, ${rows} rows, ${files} files, ${artifacts} artifacts); ` +
    `${totals.kills} kills, ${totals.unanswered} answers lost; ` +
    `${ledger.faults.length} faults\n`,
);
if (ledger.faults.length === 0) {
  await rm(directory, { recursive: true });
} else {
  await writeFile(join(directory, "trace.txt"), `${ledger.trace.join("\n")}\n`);
  process.stderr.write(`${ledger.faults.slice(0, 20).join("\n")}\nThe data directory and trace.txt: ${directory}\n`);
  process.exit(1); // the other processes end with this one, because they read its pipes
}
