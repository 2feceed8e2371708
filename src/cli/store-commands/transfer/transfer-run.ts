import { ArtifactError } from "../../../store/model/errors.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import { JobReport } from "../../../store/transfer/user/job-report.js";
import { UserTransfer } from "../../../store/transfer/user/user-transfer.js";
import { createProgressBar } from "../../terminal/progress-bar.js";
import { humanBytes } from "../../terminal/sizes.js";
import type { StoreCommandContext } from "../store-command.js";

export interface TransferRun {
  readonly transfer: UserTransfer;
  readonly report: JobReport;
  /**
   * Runs the job, with a progress bar on a terminal. If it ends early, a line says how much is done.
   *
   * @throws the error of the job
   */
  during(job: () => Promise<void>): Promise<void>;
}

/** Prepares a job on files. Each problem is a line on stderr. */
export function beginTransfer({ config, store, files, terminal, signal }: StoreCommandContext): TransferRun {
  const bar = process.stderr.isTTY === true ? createProgressBar(process.stderr) : undefined;
  const report = new JobReport({
    onProblem(name, problem) {
      bar?.clear();
      terminal.problem(escapeUnsafe(name === "" ? problem : `${name}: ${problem}`));
    },
    onProgress({ files: done, bytes, totalBytes }) {
      if (totalBytes === undefined) bar?.showCount(done, bytes);
      else bar?.show(bytes, totalBytes);
    },
  });
  const { artifacts, uploads } = store;
  const transfer = new UserTransfer({ files, artifacts, uploads, maxChunkBytes: config.maxChunkBytes });
  return {
    transfer,
    report,
    async during(job) {
      try {
        await job();
      } catch (error) {
        bar?.clear();
        const isEarly = signal.aborted || error instanceof ArtifactError;
        if (isEarly && report.files > 0) {
          terminal.problem(`${filesOf(report)} done; the same command goes on with the others`);
        }
        throw error;
      }
      bar?.clear();
    },
  };
}

/** "3 files, 1.2 MiB". */
export function filesOf({ files, bytes }: JobReport): string {
  return `${files} ${files === 1 ? "file" : "files"}, ${humanBytes(bytes)}`;
}

/** ", continued at 152 MiB" for a file of which a killed command had moved a part. */
export function continuation({ continuedAt }: JobReport): string {
  return continuedAt === 0 ? "" : `, continued at ${humanBytes(continuedAt)}`;
}

/** The end of a summary for a person. @param changed, unchanged how the two kinds of files are called */
export function summaryLine(report: JobReport, changed: string, unchanged: string): string {
  const { skipped, failed, deleted } = report;
  const counts: readonly (readonly [number, string])[] = [
    [report.changed, changed],
    [report.unchanged, unchanged],
    [deleted, "deleted"],
    [skipped.length, "skipped"],
    [failed.length, "failed"],
  ];
  const parts = counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  return `${filesOf(report)}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}\n`;
}

export function exitCodeOf({ failed }: JobReport): number {
  return failed.length === 0 ? 0 : 1;
}
