import type { Artifact } from "../../../store/model/artifact.js";
import { ArtifactError } from "../../../store/model/errors.js";
import { mimeTypeOf } from "../../../store/model/formats/media-type.js";
import { toKey } from "../../../store/model/names/key-name.js";
import type { FoundPlace } from "../../../store/ports/user-files.js";
import { escapedKey } from "../../../store/transfer/user/escaped-names.js";
import type { SaveWishes } from "../../../store/transfer/user/file-saver.js";
import type { JobReport } from "../../../store/transfer/user/job-report.js";
import type { NamedFile } from "../../../store/transfer/user/named-files.js";
import { ConfigError } from "../../options/config-error.js";
import type { CommandOptions, StoreCommandConfig } from "../../options/store-command-config.js";
import { jsonLine } from "../../terminal/json-text.js";
import { humanBytes } from "../../terminal/sizes.js";
import { type Address, addressOf } from "../address.js";
import { warnBesideFolder } from "../beside-folder.js";
import { type StoreCommand, type StoreCommandContext, savedByCommand } from "../store-command.js";
import { isFolderAddress, keyAt, type LocalPlace, localPlace, storePlace } from "./places.js";
import { sourceOf } from "./standard-input.js";
import { beginTransfer, continuation, exitCodeOf, summaryLine, type TransferRun } from "./transfer-run.js";

/** The word for stdin. */
const standardInput = "-";

interface PutRequest {
  readonly sources: readonly LocalPlace[];
  readonly isFromStdin: boolean;
  readonly target: Address;
}

export const put: StoreCommand = {
  isWriting: true,
  makesStore: true,
  check: (config) => void requestOf(config),
  async run(context) {
    const request = requestOf(context.config);
    const run = beginTransfer(context);
    const saved: Artifact[] = [];
    await run.during(() => save(request, context, run, (artifact) => saved.push(artifact)));
    await printSaved(request, context, run, saved);
    const [only] = saved;
    if (saved.length === 1 && only !== undefined && !context.config.options.has("recursive")) {
      await warnBesideFolder(context, only);
    }
    return exitCodeOf(run.report);
  },
};

/** @throws ConfigError */
function requestOf({ words, options }: StoreCommandConfig): PutRequest {
  const [last = "", ...others] = words.slice().reverse();
  const paths = others.reverse();
  if (paths.length === 0) throw new ConfigError("put needs a PATH and an address: put results.csv runs/42/");
  const target = storePlace("put", last);
  const isFromStdin = paths.includes(standardInput);
  if (isFromStdin && paths.length > 1) throw new ConfigError('put takes "-" alone, for stdin');
  if (isFromStdin && isFolderAddress(target)) {
    throw new ConfigError(`stdin has no name: give the key too, like ${target.bucket}/${target.key}results.csv`);
  }
  const isRecursive = options.has("recursive");
  if (paths.length > 1 && !isRecursive && !isFolderAddress(target)) {
    throw new ConfigError(`several files need a folder: end the address with a slash, like ${last}/`);
  }
  if (isRecursive && paths.length > 1) {
    throw new ConfigError("put -r takes one folder: the files of several would be mixed under one prefix");
  }
  if (paths.length > 1 && options.one("if-version") !== undefined) {
    throw new ConfigError("--if-version is for one file");
  }
  return { sources: isFromStdin ? [] : paths.map(localPlace), isFromStdin, target };
}

function wishesOf(options: CommandOptions) {
  const expiresMs = options.one("expires-in");
  const pairs = options.all("metadata").map(({ name, value }) => [name, value] as const);
  return {
    mime_type: options.one("mime-type"),
    metadata: pairs.length === 0 ? undefined : Object.fromEntries(pairs),
    expires_in: expiresMs === undefined ? undefined : Math.ceil(expiresMs / 1_000),
    if_version: options.one("if-version"),
    saved_by: savedByCommand,
  };
}

async function save(
  { sources, isFromStdin, target }: PutRequest,
  { config, store, files, signal }: StoreCommandContext,
  run: TransferRun,
  onSaved: (artifact: Artifact) => void,
): Promise<void> {
  const { options } = config;
  const wishes: SaveWishes = {
    ...wishesOf(options),
    bucket: target.bucket,
    signal,
    onSaved: (_, artifact) => onSaved(artifact),
  };
  if (isFromStdin) {
    const artifact = await saveStream(store.uploads, target, wishes);
    run.report.done(artifact.bytes, artifact.already_saved !== true);
    return onSaved(artifact);
  }
  const single: NamedFile[] = [];
  let totalBytes = 0;
  for (const source of sources) {
    const found = await lookAt(source, files, run.report);
    if (found === "failed") continue;
    if (found?.kind === "folder" && options.has("recursive")) await saveFolder(source, target, wishes, options, run);
    else if (found?.kind === "file") {
      addFile(source, target, options, single, run);
      totalBytes += found.bytes;
    } else run.report.fail(source.word, problemOf(found));
  }
  if (!options.has("recursive")) run.report.totalBytes = totalBytes;
  await run.transfer.putFiles(single, wishes, run.report);
}

/** What a path leads to. A path that cannot be looked at goes to the report. */
async function lookAt({ word, path }: LocalPlace, files: StoreCommandContext["files"], report: JobReport) {
  try {
    return await files.look(path);
  } catch (error) {
    report.fail(word, problemOfPlace(error));
    return "failed";
  }
}

/** @throws the error, if it is about something else */
function problemOfPlace(error: unknown): string {
  if (error instanceof ArtifactError) return error.message;
  throw error;
}

function problemOf(found: FoundPlace | undefined): string {
  if (found === undefined) return "there is no such file";
  if (found.kind === "folder") return "it is a folder: put -r saves the files in it";
  return `it is ${found.what}, and no file: "put - BUCKET/KEY" saves what comes from stdin`;
}

async function saveFolder(
  { path }: LocalPlace,
  { bucket, key }: Address,
  wishes: SaveWishes,
  options: CommandOptions,
  { transfer, report }: TransferRun,
): Promise<void> {
  if (wishes.if_version !== undefined || wishes.mime_type !== undefined) {
    throw new ConfigError("--if-version and --mime-type are for one file, and put -r saves a folder");
  }
  const pair = { bucket, prefix: key, folder: path };
  const [rename, follow] = [options.has("rename"), options.has("follow")];
  await transfer.putFolder(pair, { ...wishes, rename, follow }, report);
}

/** Adds a file, unless its name can be no key, or another one gets the same key. */
function addFile(
  { word, path, name }: LocalPlace,
  target: Address,
  options: CommandOptions,
  files: NamedFile[],
  { report }: TransferRun,
): void {
  const rename = options.has("rename");
  let key: string;
  try {
    key = toKey(keyAt(target, rename ? escapedKey(name, process.platform === "win32") : name));
  } catch (error) {
    const isMappable = isFolderAddress(target) && !rename;
    report.fail(word, `${problemOfPlace(error)}${isMappable ? " (--rename maps such names)" : ""}`);
    return;
  }
  const twin = files.find((file) => file.key === key);
  if (twin === undefined) files.push({ name: word, path, key });
  else report.fail(word, `it would get the same key as ${twin.name}`);
}

/** Saves what comes from stdin. It cannot be continued, so an upload that ends early is removed. */
async function saveStream(
  uploads: StoreCommandContext["store"]["uploads"],
  { bucket, key }: Address,
  { signal, metadata, if_version, expires_in, saved_by, ...wishes }: SaveWishes,
): Promise<Artifact> {
  const mime_type = wishes.mime_type ?? mimeTypeOf(key, "application/octet-stream");
  const created = await uploads.create({ bucket, key, mime_type, metadata, if_version, expires_in, saved_by });
  try {
    let session = await uploads.appendStream(created.id, sourceOf(process.stdin, signal), { isLast: true });
    while (session.status === "open") session = await uploads.get(created.id); // waits for the publication
    if (session.artifact !== undefined) return session.artifact;
    throw new Error(`the upload ${created.id} has ended without an artifact`);
  } catch (error) {
    await uploads.abort(created.id).catch(() => undefined); // the first error is the one to report
    throw error;
  }
}

async function printSaved(
  { sources, target }: PutRequest,
  { config, terminal }: StoreCommandContext,
  { report }: TransferRun,
  saved: readonly Artifact[],
): Promise<void> {
  const { files, bytes, changed, unchanged, skipped, failed } = report;
  const isOne = sources.length <= 1 && !config.options.has("recursive");
  const [only] = isOne ? saved : [];
  if (config.options.has("json")) {
    const counts = { files, bytes, saved: changed, already_saved: unchanged, skipped, failed };
    const artifact = only === undefined ? {} : { artifact: only };
    const continued = isOne && report.continuedAt > 0 ? { continued_at: report.continuedAt } : {};
    await terminal.print(jsonLine({ bucket: target.bucket, ...counts, ...artifact, ...continued }));
  } else if (only === undefined) await terminal.print(summaryLine(report, "saved", "already saved"));
  else {
    const about = `version ${only.version}, ${humanBytes(only.bytes)}${only.already_saved ? ", already saved" : continuation(report)}`;
    await terminal.print(`${addressOf(only)} ${about}\n`);
  }
}
