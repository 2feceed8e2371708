import type { MatchedUnder } from "../../../store/artifacts/prefix-deletion.js";
import { count } from "../../../store/model/count.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import { ConfigError } from "../../options/config-error.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { askYes } from "../../terminal/ask.js";
import { jsonLine } from "../../terminal/json-text.js";
import { humanBytes } from "../../terminal/sizes.js";
import { type Address, readAddress } from "../address.js";
import { isLocalPath } from "../local-path.js";
import { type StoreCommand, type StoreCommandContext, savedByCommand } from "../store-command.js";
import { isUploadId } from "../upload-id.js";
import { nameOf, nothingUnder } from "./artifact-name.js";

export const rm: StoreCommand = {
  isWriting: true,
  check(config) {
    const { options } = config;
    readTarget(config);
    const isAsked = options.has("recursive") && !options.has("yes") && !options.has("dry-run");
    if (isAsked && process.stdin.isTTY !== true) {
      throw new ConfigError("rm -r asks before it deletes, and stdin is no terminal: add --yes, or --dry-run to look");
    }
  },
  run: (context) =>
    context.config.options.has("recursive")
      ? removeFolder(context, readTarget(context.config))
      : removeOne(context, readTarget(context.config)),
};

/** The artifact or the version to delete; with `--recursive` a folder: its key is empty or ends with a slash. */
function readTarget({ words, options }: StoreCommandConfig): Address {
  const [word, more] = words;
  if (word === undefined || more !== undefined) {
    throw new ConfigError(`rm needs one address, BUCKET/KEY, not ${words.length}: see --help`);
  }
  if (isLocalPath(word))
    throw new ConfigError(`${word} is a path of this machine, and rm deletes BUCKET/KEY in the store`);
  if (isUploadId(word) && !options.has("recursive")) {
    throw new ConfigError(`${word} is the id of an upload: "artifacts-mcp uploads --abort ${word}" removes it`);
  }
  const { key, ...address } = readAddress(word);
  if (options.has("recursive")) {
    if (address.version !== undefined) throw new ConfigError(`${word} names a version, and -r is for a folder`);
    return { ...address, key: key === "" || key.endsWith("/") ? key : `${key}/` };
  }
  if (key === "" || key.endsWith("/")) {
    const what = key === "" ? "a bucket" : "a folder";
    throw new ConfigError(`${word} names ${what}: rm -r deletes all that is in it`);
  }
  return { ...address, key };
}

async function removeOne({ config, store, terminal }: StoreCommandContext, target: Address): Promise<number> {
  const { bucket, key, version } = target;
  const isJson = config.options.has("json");
  if (config.options.has("dry-run")) {
    const artifact = await store.artifacts.get(bucket, key, version);
    const versions = version === undefined ? await countVersions(store, target) : 1;
    const answer = { ...artifact, deleted_versions: versions, dry_run: true };
    await terminal.print(isJson ? jsonLine(answer) : `would delete ${nameOf(target)}, ${count(versions, "version")}\n`);
    return 0;
  }
  const gone = await store.artifacts.delete(bucket, key, { version, by: savedByCommand });
  if (isJson) await terminal.print(jsonLine(gone));
  else if ("already_deleted" in gone) await terminal.print(`${nameOf(target)} was deleted before\n`);
  else await terminal.print(`deleted ${nameOf(target)}, ${count(gone.deleted_versions, "version")}\n`);
  return 0;
}

async function countVersions(store: StoreCommandContext["store"], { bucket, key }: Address): Promise<number> {
  let versions = 0;
  let cursor: string | undefined;
  do {
    const page = await store.artifacts.listVersions(bucket, key, { limit: pageVersions, cursor });
    versions += page.data.length;
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return versions;
}

const pageVersions = 1_000;

async function removeFolder(context: StoreCommandContext, { bucket, key: prefix }: Address): Promise<number> {
  const { config, store, terminal, signal } = context;
  const { options } = config;
  const matched = await store.artifacts.deleteUnder({ bucket, prefix });
  if (!("artifacts" in matched) || matched.confirm === undefined)
    throw await nothingUnder(store.artifacts, bucket, prefix);
  const isJson = options.has("json");
  if (options.has("dry-run")) {
    const { confirm: _, bytes: all_bytes, ...answer } = matched;
    await terminal.print(
      isJson
        ? jsonLine({ bucket, prefix, ...answer, all_bytes, dry_run: true })
        : `would delete ${textOf(bucket, prefix, matched)}`,
    );
    return 0;
  }
  if (!options.has("yes")) {
    process.stderr.write(textOf(bucket, prefix, matched));
    const dialog = { input: process.stdin, output: process.stderr };
    if (!(await askYes(`Delete ${count(matched.artifacts, "artifact")}?`, dialog, signal))) {
      terminal.problem("nothing was deleted");
      return 1;
    }
  }
  let done = 0;
  const onProgress = (deleted: number): void => {
    done = deleted;
  };
  const wanted = { bucket, prefix, confirm: matched.confirm };
  try {
    const answer = await store.artifacts.deleteUnder(wanted, { by: savedByCommand, signal, onProgress });
    if (!("deleted" in answer)) throw new Error("a confirmed deletion has only counted");
    const kept = answer.kept > 0 ? `; ${count(answer.kept, "artifact")} saved meanwhile stay` : "";
    const text = `deleted ${count(answer.deleted, "artifact")}, ${humanBytes(answer.bytes)}${kept}\n`;
    const { bytes: all_bytes, ...others } = answer;
    await terminal.print(isJson ? jsonLine({ bucket, prefix, ...others, all_bytes }) : text);
    return 0;
  } catch (error) {
    if (done > 0) terminal.problem(`${count(done, "artifact")} deleted so far: the same command goes on`);
    throw error;
  }
}

/** How many match, and the first and last of them, each on its line. */
function textOf(bucket: string, prefix: string, { artifacts, bytes, first_keys = [], last_keys = [] }: MatchedUnder) {
  const rest = artifacts - first_keys.length - last_keys.length;
  const shown = [...first_keys, ...(rest > 0 ? [`... ${rest} more`] : []), ...last_keys];
  const what = `${count(artifacts, "artifact")} in ${nameOf({ bucket, key: prefix })}, ${humanBytes(bytes)} with all versions`;
  return `${what}:\n${shown.map((key) => `  ${escapeUnsafe(key)}\n`).join("")}`;
}
