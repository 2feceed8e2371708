import { openDataDirectory } from "../engines/data-directory.js";
import { DigestThread } from "../engines/digest-thread.js";
import type { Fault, FaultNext, VerifyReport } from "../store/maintenance/verify-report.js";
import { count } from "../store/model/count.js";
import { createStore } from "../store/store.js";
import type { VerifyConfig } from "./command-line.js";
import { createStderrLog } from "./stderr-log.js";

export interface Verdict {
  /** A line for each fault and one that sums up, or the report as JSON. */
  readonly text: string;
  /** No fault is left. */
  readonly isSound: boolean;
}

/**
 * Checks the whole store, with a bar where stderr is a terminal.
 *
 * @throws DataDirectoryError where there is no store to check
 */
export async function runVerify(
  config: VerifyConfig,
  stderr: NodeJS.WritableStream & { readonly isTTY?: boolean },
): Promise<Verdict> {
  const log = createStderrLog(stderr, config.logLevel);
  const directory = await openDataDirectory(config.root, { mustExist: true }, log);
  try {
    // How many versions its servers keep is not known here: an upload that the sweep finishes pushes none out.
    const digests = new DigestThread(log);
    const store = createStore({ ...directory, digests, log, keepVersions: Number.MAX_SAFE_INTEGER });
    const bar = stderr.isTTY === true && !config.json ? createBar(stderr) : undefined;
    const { repair } = config;
    // What crashes have left goes first, as it would with time: then only what it does not explain is a fault.
    if (repair) await store.sweep.run();
    const report = await store.verify({ repair, ...(bar ? { onProgress: bar.show } : {}) });
    bar?.clear();
    const text = config.json ? `${JSON.stringify(report, null, 2)}\n` : inWords(report);
    return { text, isSound: report.faults.every(({ repaired }) => repaired) };
  } finally {
    await directory.close();
  }
}

/** What the person who runs this can do. */
const words: Readonly<Record<FaultNext, string>> = {
  restore_database: "Restore the data directory from a backup.",
  restore_row:
    "Restore the data directory from a backup, or run verify with --repair, which moves the row to the folder orphans.",
  restore_or_delete_version: "Restore it from a backup, or delete this version.",
  abort_upload: "Abort the upload, and upload again.",
  repair: "Run verify with --repair.",
  repair_rows_first: "Some rows cannot be read, so it may belong to one of them: it was left. Mend these first.",
};

function inWords({ faults, artifacts, versions, bytes, unfinished_uploads }: VerifyReport): string {
  const lines = faults.map(
    (fault) =>
      `${fault.kind}${fault.repaired ? " (repaired)" : ""}: ${nameOf(fault)}: ${fault.message}${fault.repaired ? "" : ` ${words[fault.next]}`}`,
  );
  const checked = `${count(artifacts, "artifact")}, ${count(versions, "version")}, ${count(unfinished_uploads, "unfinished upload")}, ${count(bytes, "byte")} read`;
  const repaired = faults.filter((fault) => fault.repaired).length;
  const found = faults.length === 0 ? "no faults" : count(faults.length, "fault");
  lines.push(`${found}${repaired === 0 ? "" : `, ${repaired} of them repaired`} (${checked})`);
  return lines.map((line) => `${line}\n`).join("");
}

function nameOf({ bucket, key, version, session_id, row, path }: Fault): string {
  const artifact = bucket === undefined || key === undefined ? undefined : `${bucket}/${key}`;
  const parts = [artifact, version && `version ${version}`, session_id && `upload ${session_id}`];
  const name = parts.filter(Boolean).join(", ");
  return name || path || row || "the store";
}

/** A line on a terminal that is drawn over itself, ten times a second at most. */
function createBar(stderr: NodeJS.WritableStream) {
  const width = 30;
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  const began = Date.now();
  let drawn = 0;
  return {
    show(done: number, total: number): void {
      if (Date.now() - drawn < 100) return;
      drawn = Date.now();
      const filled = total === 0 ? 0 : Math.floor((done / total) * width);
      const rate = (done / 1e6 / Math.max((drawn - began) / 1000, 0.001)).toFixed(0);
      const bar = "#".repeat(filled).padEnd(width, ".");
      stderr.write(`\r[${bar}] ${megabytes(done)} of ${megabytes(total)}, ${rate} MB/s\u001b[K`);
    },
    clear(): void {
      stderr.write("\r\u001b[K");
    },
  };
}
