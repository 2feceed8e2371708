import { openBackup } from "../../../engines/backup-folder/open-backup-folder.js";
import type { RestoreReport } from "../../../store/backup/restore.js";
import { count } from "../../../store/model/count.js";
import { ArtifactError } from "../../../store/model/errors.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import { ConfigError } from "../../options/config-error.js";
import { jsonLine } from "../../terminal/json-text.js";
import { createProgressBar } from "../../terminal/progress-bar.js";
import { createStderrLog } from "../../terminal/stderr-log.js";
import { isExistingPath, isLocalPath, shellWord } from "../local-path.js";
import type { StoreCommand } from "../store-command.js";
import { backupDirectory, contentFacts, contentLine, nameOf } from "./backup-report.js";

export const restore: StoreCommand = {
  isWriting: true,
  makesStore: true,
  async check(config) {
    refuseAddress(config.words[0] ?? "");
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
      await terminal.print(isJson ? jsonOf(report) : textOf(path, config.root, report));
      for (const each of report.problems) terminal.problem(`${nameOf(each)}: ${each.problem}`);
      for (const fault of report.verified.faults) terminal.problem(`${nameOf(fault)}: ${fault.message}`);
      const missing = report.manifest.damaged.filter((each) => each.kept !== true);
      for (const each of missing) terminal.problem(`${nameOf(each)}: ${wasDamaged}`);
      return missing.length + report.problems.length + report.verified.faults.length === 0 ? 0 : 1;
    } finally {
      bar?.clear();
      await folder.close();
    }
  },
};

/** @throws ConfigError for the address of a version */
function refuseAddress(word: string): void {
  const [, address] = /^([^/]+\/.+)@\d+$/s.exec(word) ?? [];
  if (address === undefined || isLocalPath(word) || isExistingPath(word)) return;
  const [from, to] = [shellWord(word), shellWord(address)];
  throw new ConfigError(
    `restore takes the directory of a backup: "artifacts-mcp cp ${from} ${to}" makes an old version the newest`,
  );
}

/** The general advice is to delete artifacts, which would be those that were just restored. */
const isDiskFull = (error: unknown): boolean => error instanceof ArtifactError && error.next === "make_room";

function fullDisk(root: string, cause: unknown): ArtifactError {
  const message = `The store's disk is full (${root}): free disk space, then run the same command again. It continues.`;
  return new ArtifactError("storage_full", message, { cause });
}

const wasDamaged = "it was damaged before the backup, which has not got it";

function jsonOf({ manifest, problems, verified }: RestoreReport): string {
  const missing = manifest.damaged.filter(({ kept }) => kept !== true);
  const failed = [
    ...problems.map((each) => ({ name: nameOf(each), message: each.problem })),
    ...verified.faults.map((fault) => ({ name: nameOf(fault), message: fault.message })),
    ...missing.map((each) => ({ name: nameOf(each), message: wasDamaged })),
  ];
  return jsonLine({ ...contentFacts(manifest), failed });
}

function textOf(path: string, root: string, { manifest, problems, verified }: RestoreReport): string {
  const faults = problems.length + verified.faults.length;
  const outcome = faults === 0 ? "restored and verified" : `restored, but for ${count(faults, "problem")}`;
  return `${escapeUnsafe(root)} has what ${escapeUnsafe(path)} had, ${outcome}: ${contentLine(manifest)}\n`;
}
