// Sweeps and checks a data directory through the store's own code: a server sweeps by itself only after minutes.
// Bundled for each run of scripts/race.mjs. One line of JSON on stdout for each thing done.
// Usage: sweeper.mjs <root> <grace in ms>   sweeps again and again, until stdin ends
//        sweeper.mjs <root> last            when nobody else is there: what may be left, and what may not
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { openDataDirectory } from "../../src/engines/disk/data-directory.js";
import { createStderrLog } from "../../src/stderr-log.js";
import { sessionKey } from "../../src/store/model/records.js";
import { createStore, type Store } from "../../src/store/store.js";
import type { Fault, VerifyOptions, VerifyReport } from "../../src/store/maintenance/verify.js";
import { keepVersions } from "./ledger.mjs";

const [root = "", mode = ""] = process.argv.slice(2);
const log = createStderrLog(process.stderr, "warn");
const directory = await openDataDirectory(root, { mustExist: true }, log);
const { metadata } = directory;

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

async function verify(store: Store, options: VerifyOptions = {}): Promise<VerifyReport> {
  const report = await store.verify(options);
  for (const fault of report.faults) {
    const isExpected = mode === "0" && (await isOfSave(fault));
    if (!isExpected) say({ fault: `verify: ${JSON.stringify(fault)}` });
  }
  return report;
}

/** A sweep without grace takes the bytes of a save that has no row yet: it gets one, hears of it, and gives up. */
async function isOfSave({ kind, session_id = "" }: Fault): Promise<boolean> {
  if (kind !== "missing" || session_id === "") return false;
  const text = await metadata.get(sessionKey(session_id));
  return text === undefined || JSON.parse(text).origin === "save";
}

/** A store whose clock is fast by that much: what is there now is old for it. */
const storeIn = (ms: number) => createStore({ ...directory, log, keepVersions, now: () => Date.now() + ms });

async function sweepUntilEnd(graceMs: number): Promise<void> {
  const stopping = new AbortController();
  process.stdin.on("end", () => stopping.abort()).resume();
  const store = storeIn(0);
  for (let pass = 1; !stopping.signal.aborted; pass += 1) {
    say({ swept: await store.sweep.run({ graceMs, signal: stopping.signal }) });
    if (pass % 10 === 0) await verify(store);
    await new Promise((resolve) => setTimeout(resolve, 30)); // leaves the others the processor
  }
  await store.close();
}

/** First what dead processes have left goes, then every upload expires: then artifacts alone are left. */
async function sweepTheLastTime(): Promise<void> {
  const soon = storeIn(5_000);
  say({ swept: await soon.sweep.run({ graceMs: 0 }) });
  await verify(soon, { graceMs: 0 });

  const later = storeIn(60 * 60 * 1000);
  for (let pass = 1; pass <= 2; pass += 1) say({ swept: await later.sweep.run({ graceMs: 0 }) }); // expires, forgets
  const { versions } = await verify(later, { graceMs: 0 });
  const rows = await metadata.range("", { limit: 1_000 });
  const others = rows.map(({ key }) => key).filter((key) => !key.startsWith("artifact:") && key !== "changed");
  if (others.length > 0) say({ fault: `rows are left: ${others.join(" ")}` });
  const staged = await readdir(join(root, "uploads"), { recursive: true });
  if (staged.length > 0) say({ fault: `files are left in uploads: ${staged.join(" ")}` });
  const published = (await readdir(join(root, "blobs"), { recursive: true })).filter((path) => path.includes("/"));
  if (published.length !== versions) say({ fault: `${published.length} blobs are left of ${versions} versions` });
}

await (mode === "last" ? sweepTheLastTime() : sweepUntilEnd(Number(mode)));
await directory.close();
