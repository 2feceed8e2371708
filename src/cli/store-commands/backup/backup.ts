import { openBackupFolder } from "../../../engines/backup-folder/open-backup-folder.js";
import type { BackupReport } from "../../../store/backup/backup.js";
import { count } from "../../../store/model/count.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import { createProgressBar } from "../../terminal/progress-bar.js";
import { humanBytes } from "../../terminal/sizes.js";
import type { StoreCommand } from "../store-command.js";
import { backupDirectory, contentLine, nameOf } from "./backup-report.js";

export const backup: StoreCommand = {
  isWriting: false,
  check(config) {
    backupDirectory(config);
  },
  async run({ config, store, terminal, log, signal }) {
    const path = backupDirectory(config);
    const isJson = config.options.has("json");
    const folder = await openBackupFolder(path, config.root, log);
    const bar = process.stderr.isTTY && !isJson ? createProgressBar(process.stderr) : undefined;
    try {
      const progress = bar === undefined ? {} : { onProgress: bar.show };
      const report = await store.backUp(folder.files, { signal, check: config.options.has("check"), ...progress });
      bar?.clear();
      await terminal.print(isJson ? jsonOf(report) : textOf(path, report));
      const { damaged, more } = report.manifest;
      for (const each of damaged) {
        const outcome = each.kept === true ? "the backup has it as the one before had it" : "the backup has not got it";
        terminal.problem(`${nameOf(each)}: ${each.problem}; ${outcome}`);
      }
      if (more.damaged > 0) terminal.problem(`${more.damaged} more are damaged`);
      return damaged.length === 0 ? 0 : 1;
    } finally {
      bar?.clear();
      await folder.close();
    }
  },
};

function jsonOf({ manifest, written, removed }: BackupReport): string {
  return `${JSON.stringify({ ...manifest, written, removed }, null, 2)}\n`;
}

function textOf(path: string, { manifest, written, removed }: BackupReport): string {
  const news = `${count(written.contents, "content")} written (${humanBytes(written.bytes)}), ${count(removed, "old file")} removed`;
  const dropped = manifest.dropped.map((each) => {
    const what = each.session_id === undefined ? "was deleted" : "has ended";
    return `left out: ${nameOf(each)}: it ${what} while the backup ran`;
  });
  if (manifest.more.dropped > 0) dropped.push(`left out: ${manifest.more.dropped} more`);
  const kept = manifest.damaged
    .filter((each) => each.kept)
    .map((each) => `kept from the backup before: ${nameOf(each)}`);
  return [...dropped, ...kept, `${escapeUnsafe(path)} has ${contentLine(manifest)}; ${news}`]
    .map((line) => `${line}\n`)
    .join("");
}
