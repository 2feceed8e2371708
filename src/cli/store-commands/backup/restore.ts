import { openBackup } from "../../../engines/backup-folder/open-backup-folder.js";
import type { RestoreReport } from "../../../store/backup/restore.js";
import { count } from "../../../store/model/count.js";
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
      const report = await store.restore(folder.files, { signal, ...(bar && { onProgress: bar.show }) });
      bar?.clear();
      await terminal.print(isJson ? jsonOf(report) : textOf(path, config.root, report));
      for (const each of report.problems) terminal.problem(`${nameOf(each)}: ${each.problem}`);
      for (const fault of report.verified.faults) terminal.problem(`${nameOf(fault)}: ${fault.message}`);
      return report.problems.length + report.verified.faults.length === 0 ? 0 : 1;
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

function jsonOf({ manifest, problems, verified }: RestoreReport): string {
  const failed = [
    ...problems.map((each) => ({ name: nameOf(each), message: each.problem })),
    ...verified.faults.map((fault) => ({ name: nameOf(fault), message: fault.message })),
  ];
  return jsonLine({ ...contentFacts(manifest), failed });
}

function textOf(path: string, root: string, { manifest, problems, verified }: RestoreReport): string {
  const faults = problems.length + verified.faults.length;
  const outcome = faults === 0 ? "restored and verified" : `restored, but for ${count(faults, "problem")}`;
  return `${root} has what ${path} had, ${outcome}: ${contentLine(manifest)}\n`;
}
