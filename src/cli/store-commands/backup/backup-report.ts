import type { BackupManifest } from "../../../store/backup/backup-manifest.js";
import { count } from "../../../store/model/count.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import { ConfigError } from "../../options/config-error.js";
import { absolutePath } from "../../options/directories.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { humanBytes } from "../../terminal/sizes.js";

/** The directory that the command line names. @throws ConfigError unless it names one */
export function backupDirectory({ command, words }: Pick<StoreCommandConfig, "command" | "words">): string {
  const [word, other] = words;
  if (word === undefined || word === "")
    throw new ConfigError(`${command} needs the directory of the backup: ${command} DIR`);
  if (other !== undefined)
    throw new ConfigError(`unexpected argument ${JSON.stringify(other)}: ${command} takes one directory`);
  return absolutePath(word);
}

/** What a backup has, in one line. */
export function contentLine({ counts, bytes }: BackupManifest): string {
  const { artifacts, versions, unfinished_uploads, contents } = counts;
  const named = [
    count(artifacts, "artifact"),
    count(versions, "version"),
    count(unfinished_uploads, "unfinished upload"),
  ];
  return `${named.join(", ")} (${count(contents, "content")}, ${humanBytes(bytes)})`;
}

/** What a backup has, for programs. */
export function contentFacts({ store, created_at, counts, bytes }: BackupManifest) {
  return { store, created_at, ...counts, content_bytes: bytes };
}

interface Named {
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly version?: number | undefined;
  readonly session_id?: string | undefined;
  readonly row?: string | undefined;
  readonly path?: string | undefined;
}

/** Names a version, an upload or a row for a person: `b/key, version 2`. */
export function nameOf({ bucket, key, version, session_id, row, path }: Named): string {
  const artifact = bucket === undefined || key === undefined ? undefined : `${bucket}/${key}`;
  const parts = [artifact, version && `version ${version}`, session_id && `upload ${session_id}`].filter(Boolean);
  return escapeUnsafe(parts.join(", ") || path || row?.replaceAll("\t", " ") || "the store");
}
