import type { CopiedArtifact, CopyArtifact } from "../../../store/artifacts/copy/copy-request.js";
import { count } from "../../../store/model/count.js";
import { ArtifactError } from "../../../store/model/errors.js";
import { isBucket } from "../../../store/model/names/bucket-name.js";
import { jsonLine } from "../../terminal/json-text.js";
import { humanBytes } from "../../terminal/sizes.js";
import { warnBesideFolder } from "../beside-folder.js";
import { isExistingPath } from "../local-path.js";
import { messageForCommand } from "../message-for-command.js";
import { type StoreCommand, type StoreCommandContext, savedByCommand } from "../store-command.js";
import { type Named, nameOf, nothingUnder } from "./artifact-name.js";
import { type CopySides, meantGet, meantPut, readSides } from "./copy-sides.js";

/** Makes the command that copies inside the store, or moves. */
export function copyCommand(isMove: boolean): StoreCommand {
  return {
    isWriting: true,
    check: (config) => void readSides(config),
    async run(context) {
      const { options } = context.config;
      const sides = readSides(context.config);
      const advice = await adviceForPaths(context, sides);
      if (advice !== undefined) {
        context.terminal.problem(advice);
        return 1;
      }
      const ontoNewest = isMove && options.has("overwrite");
      const how = { move: isMove, ontoNewest, saved_by: savedByCommand };
      return options.has("recursive") ? copyFolder(context, sides, how) : copyOne(context, sides, how);
    },
  };
}

type How = Pick<CopyArtifact, "move" | "ontoNewest" | "saved_by">;

async function copyOne({ config, store, terminal, signal }: StoreCommandContext, { from, to }: CopySides, how: How) {
  const wanted = { ...from, to_bucket: to.bucket, to_key: to.key, ...how };
  try {
    const copied = await store.artifacts.copy(wanted, { signal });
    await terminal.print(config.options.has("json") ? jsonLine(copied) : lineOf(from, copied));
    await warnBesideFolder({ store, terminal }, copied);
    return 0;
  } catch (error) {
    if (!(error instanceof ArtifactError) || error.next !== "copy_onto_newest") throw error;
    terminal.problem(problemOf(error));
    return 1;
  }
}

async function copyFolder(context: StoreCommandContext, { from, to }: CopySides, how: How): Promise<number> {
  const { config, store, terminal, signal } = context;
  const isJson = config.options.has("json");
  const wanted = { bucket: from.bucket, prefix: from.key, to_bucket: to.bucket, to_prefix: to.key, ...how };
  const data: CopiedArtifact[] = [];
  const failed: { readonly name: string; readonly message: string }[] = [];
  let [done, bytes] = [0, 0];
  for await (const { bucket, key, outcome } of store.artifacts.copyUnder(wanted, { signal })) {
    if ("error" in outcome) {
      const message = problemOf(outcome.error);
      failed.push({ name: `${bucket}/${key}`, message });
      terminal.problem(`${nameOf({ bucket, key })}: ${message}`);
      continue;
    }
    done += 1;
    bytes += outcome.copied.bytes;
    if (isJson) data.push(outcome.copied);
    else await terminal.print(lineOf({ bucket, key }, outcome.copied));
  }
  if (done + failed.length === 0) throw await nothingUnder(store.artifacts, from.bucket, from.key);
  const verb = how.move ? "moved" : "copied";
  const summary = `${count(done, "artifact")} ${verb}, ${humanBytes(bytes)}\n`;
  await terminal.print(isJson ? jsonLine({ artifacts: done, bytes, data, failed }) : summary);
  if (failed.length > 0) terminal.problem(`${count(failed.length, "artifact")} could not be ${verb}`);
  return failed.length > 0 ? 1 : 0;
}

function lineOf(from: Named, { bucket, key, version, bytes, already_saved, moved_versions }: CopiedArtifact): string {
  const to = nameOf({ bucket, key, version });
  if (already_saved) return `${nameOf(from)} -> ${to}, which has this content already\n`;
  const versions = (moved_versions ?? 1) > 1 ? `${moved_versions} versions, ` : "";
  return `${nameOf(from)} -> ${to}, ${versions}${humanBytes(bytes)}\n`;
}

/** What a person can do about a target that exists differs from what the message says to a program. */
function problemOf(error: ArtifactError): string {
  const { bucket, key, version, if_version } = error.details;
  if (error.next !== "copy_onto_newest") return messageForCommand(error);
  const target = nameOf({ bucket: String(bucket), key: String(key) });
  return if_version === null
    ? `${target} exists already, with version ${version}. Nothing was moved: mv --overwrite puts what is moved on top of it.`
    : `${target} was changed meanwhile: it has version ${version}. Nothing was moved: run the command again.`;
}

/**
 * The advice for a word that could name an artifact, but names a file or a folder of this machine, and nothing in the
 * store. Undefined if no word does.
 */
async function adviceForPaths({ config, store }: StoreCommandContext, { from, to }: CopySides) {
  const [a = "", b = ""] = config.words;
  const isRecursive = config.options.has("recursive");
  const isThere = async (bucket: string): Promise<boolean> => {
    if (!isBucket(bucket)) return false;
    const { data } = await store.artifacts.listBuckets({ prefix: bucket, limit: 1 });
    return data[0]?.name === bucket; // of all names that begin with it, it is the first
  };
  if (isExistingPath(a) && !(await isThere(from.bucket))) return meantPut(config.command, a, b, isRecursive);
  if (isExistingPath(b) && !(await isThere(to.bucket))) {
    return `${meantGet(config.command, a, b, isRecursive)}; for a bucket of that name, write artifact:// before both addresses`;
  }
  return undefined;
}
