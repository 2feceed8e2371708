import { basename, dirname } from "node:path";
import { ArtifactError } from "../../../store/model/errors.js";
import { escapeUnsafe, quote } from "../../../store/model/quote.js";
import { fileSegment } from "../../../store/transfer/user/escaped-names.js";
import { ConfigError } from "../../options/config-error.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { jsonLine } from "../../terminal/json-text.js";
import { humanBytes } from "../../terminal/sizes.js";
import { type Address, readAddress } from "../address.js";
import { isLocalPath } from "../local-path.js";
import type { StoreCommand, StoreCommandContext } from "../store-command.js";
import { type LocalPlace, localPlace } from "./places.js";
import { beginTransfer, continuation, exitCodeOf, summaryLine, type TransferRun } from "./transfer-run.js";

interface GetRequest {
  readonly source: Address;
  readonly target: LocalPlace;
}

export const get: StoreCommand = {
  isWriting: false,
  check: (config) => void requestOf(config),
  async run(context) {
    const request = requestOf(context.config);
    const { config, terminal } = context;
    const run = beginTransfer(context);
    const { report } = run;
    let path = request.target.path;
    await run.during(async () => {
      if (config.options.has("recursive")) await getFolder(request, context, run);
      else path = await getFile(request, context, run);
    });
    const { files, bytes, changed, unchanged, skipped, failed } = report;
    if (config.options.has("json")) {
      const counts = { files, bytes, written: changed, unchanged, skipped, failed };
      const continued = report.continuedAt > 0 ? { continued_at: report.continuedAt } : {};
      await terminal.print(jsonLine({ path, ...counts, ...continued }));
    } else if (config.options.has("recursive")) await terminal.print(summaryLine(report, "written", "unchanged"));
    else if (files === 1) {
      const outcome = unchanged === 1 ? ", unchanged" : continuation(report);
      await terminal.print(`${escapeUnsafe(path)} ${humanBytes(bytes)}${outcome}\n`);
    }
    return exitCodeOf(report);
  },
};

/** @throws ConfigError */
function requestOf({ words: [from, to, another], options }: StoreCommandConfig): GetRequest {
  if (from === undefined || to === undefined) {
    throw new ConfigError("get needs an address and a PATH: get runs/42/results.csv ./results.csv");
  }
  if (another !== undefined)
    throw new ConfigError(`get takes one address and one PATH, not also ${JSON.stringify(another)}`);
  if (isLocalPath(from)) {
    throw new ConfigError(`get: ${JSON.stringify(from)} is a path of this machine, and first goes BUCKET/KEY`);
  }
  if (to === "-") throw new ConfigError("get writes files: cat writes to stdout");
  const source = readAddress(from);
  const isRecursive = options.has("recursive");
  if (isRecursive && source.version !== undefined)
    throw new ConfigError("get -r takes the newest versions: leave out @N");
  if (!isRecursive && (source.key === "" || source.key.endsWith("/"))) {
    throw new ConfigError(`${JSON.stringify(from)} names no single artifact: get -r writes all that are in it`);
  }
  return { source, target: localPlace(to) };
}

async function getFolder(
  { source, target }: GetRequest,
  { config, signal }: StoreCommandContext,
  { transfer, report }: TransferRun,
): Promise<void> {
  const pair = { bucket: source.bucket, prefix: source.key, folder: target.path };
  const { options } = config;
  const wanted = { signal, rename: options.has("rename"), overwrite: options.has("overwrite") };
  await transfer.getFolder(pair, wanted, report);
}

/** Writes one artifact. Returns its path. */
async function getFile(
  { source, target }: GetRequest,
  { config, store, files, signal }: StoreCommandContext,
  { transfer, report }: TransferRun,
): Promise<string> {
  const { options } = config;
  const rename = options.has("rename");
  const artifact = await artifactAt(source, store.artifacts);
  const isInFolder = target.isFolder || (await files.look(target.path))?.kind === "folder";
  const folder = isInFolder ? target.path : dirname(target.path);
  let name = basename(target.path);
  if (isInFolder) {
    const found = fileSegment(basename(artifact.key), { isWindows: process.platform === "win32", rename });
    if ("problem" in found) {
      report.fail(artifact.key, found.problem);
      return target.path;
    }
    name = found.name;
  }
  const wanted = { signal, rename, overwrite: options.has("overwrite") };
  name = await transfer.getFile({ artifact, name }, folder, wanted, report);
  return folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
}

/** @throws ArtifactError, which says so if the address is a folder of keys */
async function artifactAt({ bucket, key, version }: Address, artifacts: StoreCommandContext["store"]["artifacts"]) {
  try {
    return await artifacts.get(bucket, key, version);
  } catch (error) {
    if (!(error instanceof ArtifactError) || error.code !== "artifact_not_found") throw error;
    const { data } = await artifacts.list({ bucket, prefix: `${key}/`, limit: 1 });
    if (data.length === 0) throw error;
    const message = `${quote(key)} in bucket ${quote(bucket)} is a folder of keys: get -r writes all that are in it.`;
    throw new ArtifactError("invalid_argument", message, { cause: error });
  }
}
