// Sweeps and checks a data directory with the store's own code, because a server sweeps only after minutes.
// scripts/race.mjs bundles it for each run. It prints a line of JSON for each sweep and each fault.
// Usage: sweeper.mjs <root> <grace in ms>   sweeps again and again, until stdin ends
//        sweeper.mjs <root> last            after all other processes have ended: checks what is left
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createStderrLog } from "../../src/cli/terminal/stderr-log.js";
import { openDataDirectory } from "../../src/engines/data-directory.js";
import type { VerifyOptions, VerifyReport } from "../../src/store/maintenance/verify-report.js";
import { parseArtifactRow } from "../../src/store/model/records.js";
import { artifactPrefix } from "../../src/store/model/row-keys.js";
import { createStore, type Store } from "../../src/store/store.js";
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
  for (const fault of report.faults) say({ fault: `verify: ${JSON.stringify(fault)}` });
  return report;
}

const withoutGrace = { graceMs: 0, trustsClock: true };

/** A store whose clock is fast by so many milliseconds. For this store, all that is there now is old. */
const storeIn = (ms: number) => createStore({ ...directory, log, keepVersions, now: () => Date.now() + ms });

async function sweepUntilEnd(graceMs: number): Promise<void> {
  const stopping = new AbortController();
  process.stdin.on("end", () => stopping.abort()).resume();
  const store = storeIn(0);
  for (let pass = 1; !stopping.signal.aborted; pass += 1) {
    say({ swept: await store.sweep.run({ graceMs, trustsClock: true, signal: stopping.signal }) });
    if (pass % 10 === 0) await verify(store);
    await new Promise((resolve) => setTimeout(resolve, 30)); // the other processes need the processor too
  }
  await store.close();
}

/** The first sweep removes what dead processes have left. The next ones expire all uploads. Then only artifacts may be left. */
async function sweepTheLastTime(): Promise<void> {
  const soon = storeIn(5_000);
  say({ swept: await soon.sweep.run(withoutGrace) });
  await verify(soon, { graceMs: 0 });

  const later = storeIn(60 * 60 * 1000);
  for (let pass = 1; pass <= 2; pass += 1) say({ swept: await later.sweep.run(withoutGrace) }); // the first pass expires the uploads, the second removes their rows
  await verify(later, { graceMs: 0 });
  const rows = await metadata.range("", { limit: 1_000 });
  const mayStay = /^(?:artifact\t|gone\t|changed$|clock$|store$)/;
  const others = rows.map(({ key }) => key).filter((key) => !mayStay.test(key));
  if (others.length > 0) say({ fault: `rows are left: ${others.join(", ")}` });
  const versions = rows
    .filter(({ key }) => key.startsWith(artifactPrefix))
    .flatMap((row) => parseArtifactRow(row).value.versions);
  const named = versions.flatMap(({ session, pieces }) => pieces.map(({ name }) => `${session}/${name}`));
  const files = await readdir(join(root, "content"), { recursive: true, withFileTypes: true });
  const there = [
    ...files.filter((entry) => entry.isFile()).map(({ name }) => name.replace(".", "/")),
    ...(await metadata.listPieces({ limit: 10_000 })).map(({ name }) => name),
  ];
  const left = there.filter((name) => !named.includes(name));
  if (left.length > 0) say({ fault: `pieces are left: ${left.join(" ")}` });
  if (there.length - left.length !== named.length)
    say({ fault: `${named.length} pieces are named, and some are missing` });
}

await (mode === "last" ? sweepTheLastTime() : sweepUntilEnd(Number(mode)));
await directory.close();
