import { checkBucket } from "../../../store/model/names/bucket-name.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import type { SyncOptions } from "../../../store/transfer/user/user-transfer-options.js";
import { ConfigError } from "../../options/config-error.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { askYes } from "../../terminal/ask.js";
import { jsonLine } from "../../terminal/json-text.js";
import type { Address } from "../address.js";
import { isLocalPath } from "../local-path.js";
import { type StoreCommand, type StoreCommandContext, savedByCommand } from "../store-command.js";
import { type LocalPlace, localPlace, storePlace } from "./places.js";
import { beginTransfer, exitCodeOf, summaryLine } from "./transfer-run.js";

interface SyncRequest {
  readonly local: LocalPlace;
  readonly place: Address;
  readonly isToStore: boolean;
}

export const sync: StoreCommand = {
  isWriting: (config) => requestOf(config).isToStore,
  makesStore: (config) => requestOf(config).isToStore,
  check: (config) => void requestOf(config),
  async run(context) {
    const { local, place, isToStore } = requestOf(context.config);
    const { config, terminal } = context;
    const { transfer, report, during } = beginTransfer(context);
    const planned: { readonly action: "copy" | "delete"; readonly name: string }[] = [];
    const options = syncOptions(context, (action, name) => void planned.push({ action, name }));
    checkBucket(place.bucket);
    const pair = { bucket: place.bucket, prefix: place.key, folder: local.path };
    await during(() =>
      isToStore ? transfer.syncToStore(pair, options, report) : transfer.syncToFolder(pair, options, report),
    );
    const { files, bytes, changed, unchanged, deleted, skipped, failed } = report;
    if (config.options.has("json")) {
      const counts = { files, bytes, copied: changed, unchanged, deleted, skipped, failed };
      await terminal.print(jsonLine({ ...counts, ...(options.isDry ? { dry_run: true, data: planned } : {}) }));
    } else {
      await terminal.print(planned.map(({ action, name }) => `${action} ${escapeUnsafe(name)}\n`).join(""));
      await terminal.print(`${options.isDry ? "would be: " : ""}${summaryLine(report, "copied", "unchanged")}`);
    }
    return exitCodeOf(report);
  },
};

/** @throws ConfigError */
function requestOf({ words, options }: StoreCommandConfig): SyncRequest {
  const [from, to, another] = words;
  if (from === undefined || to === undefined) {
    throw new ConfigError("sync needs a folder and an address, in either order: sync ./results runs/42");
  }
  if (another !== undefined) throw new ConfigError(`sync takes two places, not also ${JSON.stringify(another)}`);
  const isToStore = isLocalPath(from);
  if (isToStore === isLocalPath(to)) {
    const [one, two] = [JSON.stringify(from), JSON.stringify(to)];
    throw new ConfigError(
      isToStore
        ? `sync: ${one} and ${two} are both paths: write one as BUCKET/PREFIX, without ./ or / before it`
        : `sync: which of ${one} and ${two} is the folder is not clear: write it as a path, like ./${from} or ./${to}`,
    );
  }
  const mustConfirm = options.has("delete") && !options.has("yes") && !options.has("dry-run");
  if (mustConfirm && process.stdin.isTTY !== true) {
    throw new ConfigError(
      "sync --delete asks before it deletes, and nobody can answer here: give --yes, or --dry-run to see",
    );
  }
  const [path, address] = isToStore ? [from, to] : [to, from];
  return { local: localPlace(path), place: storePlace("sync", address), isToStore };
}

function syncOptions(
  { config: { options }, signal }: StoreCommandContext,
  onDryRun: NonNullable<SyncOptions["onDryRun"]>,
): SyncOptions {
  const dialog = { input: process.stdin, output: process.stderr };
  const confirm = (count: number): Promise<boolean> =>
    askYes(`${count} ${count === 1 ? "file is" : "files are"} only on the target side. Delete?`, dialog, signal);
  return {
    signal,
    saved_by: savedByCommand,
    rename: options.has("rename"),
    follow: options.has("follow"),
    deletes: options.has("delete"),
    isDry: options.has("dry-run"),
    confirm: options.has("yes") ? undefined : confirm,
    onDryRun,
  };
}
