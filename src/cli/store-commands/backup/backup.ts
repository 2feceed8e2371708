import { openBackupFolder } from "../../../engines/backup-folder/open-backup-folder.js";
import type { BackupReport } from "../../../store/backup/backup.js";
import type { LeftOut } from "../../../store/backup/backup-manifest.js";
import { count } from "../../../store/model/count.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import { jsonLine } from "../../terminal/json-text.js";
import { createProgressBar } from "../../terminal/progress-bar.js";
import { humanBytes } from "../../terminal/sizes.js";
import type { StoreCommand } from "../store-command.js";
import { backupDirectory, contentFacts, contentLine, nameOf } from "./backup-report.js";

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
      for (const each of damaged) terminal.problem(`${nameOf(each)}: ${whyMissing(each)}`);
      if (more.damaged > 0) terminal.problem(`${more.damaged} more are damaged`);
      return damaged.length === 0 ? 0 : 1;
    } finally {
      bar?.clear();
      await folder.close();
    }
  },
};

function jsonOf({ manifest, written, removed }: BackupReport): string {
  const { contents, bytes: content_bytes } = written;
  const skipped = manifest.dropped.map((each) => ({ name: nameOf(each), message: whyDropped(each) }));
  const failed = manifest.damaged.map((each) => ({ name: nameOf(each), message: whyMissing(each) }));
  return jsonLine({
    ...contentFacts(manifest),
    written: { contents, content_bytes },
    removed,
    skipped,
    failed,
    more: manifest.more,
  });
}

const whyMissing = ({ problem, kept }: LeftOut): string =>
  `${problem}; ${kept === true ? "the backup has it as the one before had it" : "the backup has not got it"}`;
const whyDropped = ({ session_id }: LeftOut): string =>
  `it ${session_id === undefined ? "was deleted" : "has ended"} while the backup ran`;

function textOf(path: string, { manifest, written, removed }: BackupReport): string {
  const news = `${count(written.contents, "content")} written (${humanBytes(written.bytes)}), ${count(removed, "old file")} removed`;
  const dropped = manifest.dropped.map((each) => `left out: ${nameOf(each)}: ${whyDropped(each)}`);
  if (manifest.more.dropped > 0) dropped.push(`left out: ${manifest.more.dropped} more`);
  const kept = manifest.damaged
    .filter((each) => each.kept)
    .map((each) => `kept from the backup before: ${nameOf(each)}`);
  return [...dropped, ...kept, `${escapeUnsafe(path)} has ${contentLine(manifest)}; ${news}`]
    .map((line) => `${line}\n`)
    .join("");
}
