import { openBackup } from "../../../engines/backup-folder/open-backup-folder.js";
import type { RestoreReport } from "../../../store/backup/restore.js";
import { count } from "../../../store/model/count.js";
import { ArtifactError } from "../../../store/model/errors.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import { createProgressBar } from "../../terminal/progress-bar.js";
import { createStderrLog } from "../../terminal/stderr-log.js";
import type { StoreCommand } from "../store-command.js";
import { backupDirectory, contentLine, nameOf } from "./backup-report.js";

export const restore: StoreCommand = {
  isWriting: true,
  makesStore: true,
  async check(config) {
    const log = createStderrLog(process.stderr, config.logLevel);
    await (await openBackup(backupDirectory(config), log)).close(); // without a backup, no store is made
  },
  async run({ config, store, terminal, log, signal }) {
    const path = backupDirectory(config);
    const isJson = config.options.has("json");
    const folder = await openBackup(path, log);
    const bar = process.stderr.isTTY && !isJson ? createProgressBar(process.stderr) : undefined;
    try {
      const progress = bar && { onProgress: bar.show };
      const report = await store.restore(folder.files, { signal, ...progress }).catch((error) => {
        throw isDiskFull(error) ? fullDisk(config.root, error) : error;
      });
      bar?.clear();
      await terminal.print(isJson ? `${JSON.stringify(report, null, 2)}\n` : textOf(path, config.root, report));
      for (const each of report.problems) terminal.problem(`${nameOf(each)}: ${each.problem}`);
      for (const fault of report.verified.faults) terminal.problem(`${nameOf(fault)}: ${fault.message}`);
      const missing = report.manifest.damaged.filter((each) => each.kept !== true);
      for (const each of missing)
        terminal.problem(`${nameOf(each)}: it was damaged before the backup, which has not got it`);
      return missing.length + report.problems.length + report.verified.faults.length === 0 ? 0 : 1;
    } finally {
      bar?.clear();
      await folder.close();
    }
  },
};

/** The general advice is to delete artifacts, which would be those that were just restored. */
const isDiskFull = (error: unknown): boolean => error instanceof ArtifactError && error.next === "make_room";

function fullDisk(root: string, cause: unknown): ArtifactError {
  const message = `The store's disk is full (${root}): free disk space, then run the same command again. It continues.`;
  return new ArtifactError("storage_full", message, { cause });
}

function textOf(path: string, root: string, { manifest, problems, verified }: RestoreReport): string {
  const faults = problems.length + verified.faults.length;
  const outcome = faults === 0 ? "restored and verified" : `restored, but for ${count(faults, "problem")}`;
  return `${escapeUnsafe(root)} has what ${escapeUnsafe(path)} had, ${outcome}: ${contentLine(manifest)}\n`;
}
