import { openDataDirectory } from "../engines/data-directory.js";
import { DigestThread } from "../engines/threads/digest-thread.js";
import type { Fault, FaultNext, VerifyReport } from "../store/maintenance/verify-report.js";
import { count } from "../store/model/count.js";
import type { Compaction } from "../store/ports/metadata-store.js";
import { createStore } from "../store/store.js";
import type { VerifyConfig } from "./options/command-line.js";
import { jsonLine } from "./terminal/json-text.js";
import { createProgressBar } from "./terminal/progress-bar.js";
import { createStderrLog } from "./terminal/stderr-log.js";

export interface Verdict {
  /** A line for each fault, a line that sums up and one for a compaction; or all of it as JSON. */
  readonly text: string;
  /** There are no faults, or all were repaired. */
  readonly isSound: boolean;
}

/**
 * Checks the whole store, and compacts its database if that is wanted. If stderr is a terminal, shows a progress bar there.
 *
 * @throws DataDirectoryError if there is no store to check
 */
export async function runVerify(
  config: VerifyConfig,
  stderr: NodeJS.WritableStream & { readonly writableLength: number; readonly isTTY?: boolean },
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
    const isDamaged = report.faults.some(({ next }) => next === "restore_database");
    const compacted = config.compact && !isDamaged ? await store.compact() : undefined;
    const text = config.json ? jsonOf(report, compacted) : `${textOf(report)}${compactionText(config, compacted)}`;
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

function jsonOf({ bytes: read_bytes, ...report }: VerifyReport, compacted: Compaction | undefined): string {
  const sizes = compacted && { before_bytes: compacted.beforeBytes, after_bytes: compacted.afterBytes };
  return jsonLine({ ...report, read_bytes, ...(sizes && { compacted: sizes }) });
}

function compactionText({ compact }: VerifyConfig, compacted: Compaction | undefined): string {
  if (!compact) return "";
  if (compacted === undefined) return "not compacted: the database is damaged\n";
  return `compacted: the database had ${count(compacted.beforeBytes, "byte")}, and has ${compacted.afterBytes} now\n`;
}

function nameOf({ bucket, key, version, session_id, row, path }: Fault): string {
  const artifact = bucket === undefined || key === undefined ? undefined : `${bucket}/${key}`;
  const parts = [artifact, version && `version ${version}`, session_id && `upload ${session_id}`];
  const name = parts.filter(Boolean).join(", ");
  return name || path || row || "the store";
}
