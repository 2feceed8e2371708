import { openDataDirectory } from "../engines/data-directory.js";
import { DigestThread } from "../engines/threads/digest-thread.js";
import type { Fault, FaultNext, VerifyReport } from "../store/maintenance/verify-report.js";
import { count } from "../store/model/count.js";
import { createStore } from "../store/store.js";
import type { VerifyConfig } from "./options/command-line.js";
import { createProgressBar } from "./terminal/progress-bar.js";
import { createStderrLog } from "./terminal/stderr-log.js";

export interface Verdict {
  /** A line for each fault and a line that sums up, or the report as JSON. */
  readonly text: string;
  /** There are no faults, or all were repaired. */
  readonly isSound: boolean;
}

/**
 * Checks the whole store. If stderr is a terminal, shows a progress bar there.
 *
 * @throws DataDirectoryError if there is no store to check
 */
export async function runVerify(
  config: VerifyConfig,
  stderr: NodeJS.WritableStream & { readonly isTTY?: boolean },
): Promise<Verdict> {
  const log = createStderrLog(stderr, config.logLevel);
  const directory = await openDataDirectory(config.root, { mustExist: true }, log);
  try {
    // The servers' --keep-versions is not known here. With the largest number, an upload that the sweep publishes
    // removes no version.
    const digests = new DigestThread(log);
    const store = createStore({ ...directory, digests, log, keepVersions: Number.MAX_SAFE_INTEGER });
    const bar = stderr.isTTY === true && !config.json ? createProgressBar(stderr) : undefined;
    const { repair } = config;
    // The sweep removes first what crashes have left, as it would do in time. Only what remains is a fault.
    if (repair) await store.sweep.run();
    const report = await store.verify({ repair, ...(bar ? { onProgress: bar.show } : {}) });
    bar?.clear();
    const text = config.json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report);
    return { text, isSound: report.faults.every(({ repaired }) => repaired) };
  } finally {
    await directory.close();
  }
}

/** What the person who runs `verify` can do about a fault. */
const advice: Readonly<Record<FaultNext, string>> = {
  restore_database: "Restore the data directory from a backup.",
  restore_row:
    "Restore the data directory from a backup, or run verify with --repair, which moves the row to the folder orphans.",
  restore_or_delete_version: "Restore it from a backup, or delete this version.",
  abort_upload: "Abort the upload, and upload again.",
  repair: "Run verify with --repair.",
  repair_rows_first:
    "It was left where it is, because it may belong to one of the rows that cannot be read. Repair these rows first.",
};

function textOf({ faults, artifacts, versions, bytes, unfinished_uploads }: VerifyReport): string {
  const lines = faults.map(
    (fault) =>
      `${fault.kind}${fault.repaired ? " (repaired)" : ""}: ${nameOf(fault)}: ${fault.message}${fault.repaired ? "" : ` ${advice[fault.next]}`}`,
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
