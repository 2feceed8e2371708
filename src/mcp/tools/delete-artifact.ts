import { z } from "zod";
import { guardArgument } from "../../api/guard-arguments.js";
import { artifact, bucket, deletedVersion } from "../../api/schemas.js";
import type { DeletedUnder, MatchedUnder } from "../../store/artifacts/prefix-deletion.js";
import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import { confirm, deletedKey, deletedPrefix, shortIfVersion } from "../calls/change-arguments.js";
import { withKeyHints } from "../calls/key-hints.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { deleted, success, wildcardHint } from "../calls/tool-result.js";

const total = z.int().min(0).optional();

export function deleteArtifact({ store, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "delete_artifact",
    title: "Delete artifacts",
    description: `Deletes an artifact, one version of it, or all artifacts under a prefix. It cannot be undone, and version numbers are never used again.

With prefix, the first call deletes nothing: it answers how many artifacts and bytes match, and confirm. The same call with that confirm deletes those, and nothing that was saved since. To delete what is gone already is no error.`,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    input: z.strictObject({
      bucket,
      key: deletedKey,
      version: deletedVersion,
      prefix: deletedPrefix,
      confirm,
      if_version: shortIfVersion,
    }),
    output: artifact.partial().extend({
      deleted_versions: total.meta({ description: "With key: how many versions were deleted." }),
      last_version: total.meta({ description: "With key: the highest number that was given to a version." }),
      already_deleted: z.literal(true).optional(),
      bucket: z.string(),
      prefix: z.string().optional(),
      artifacts: total.meta({ description: "With prefix alone: how many match." }),
      confirm: z.string().optional(),
      first_keys: z.array(z.string()).optional(),
      last_keys: z.array(z.string()).optional(),
      deleted: total.meta({ description: "With confirm: how many artifacts were deleted." }),
      kept: total.meta({ description: "With confirm: how many artifacts under the prefix were saved since." }),
    }),
    async answer({ bucket, key, prefix, confirm, version, if_version }, { signal, progress }) {
      if (prefix === undefined) {
        const place = { bucket, key: oneKey(key, confirm) };
        const options = { version, ...guardArgument(if_version), by: savedBy() };
        const remove = () => store.artifacts.delete(bucket, place.key, options);
        const gone = await withKeyHints(store.artifacts, place, remove, { isChange: true });
        return deleted(gone, place);
      }
      if (prefix === "")
        throw refused("prefix", 'prefix is empty: give the beginning of keys, or "/" for all of them.');
      checkPrefixAlone({ key, version, if_version });
      const onProgress = (done: number, all: number): void =>
        progress(done, all, `${done} of ${count(all, "artifact")} deleted`);
      const wanted = { bucket, prefix: prefix === "/" ? "" : prefix, confirm };
      const answer = await store.artifacts.deleteUnder(wanted, { by: savedBy(), signal, onProgress });
      return success({ bucket, prefix, ...answer }, textOf({ bucket, prefix }, answer));
    },
  });
}

function textOf(
  place: { readonly bucket: string; readonly prefix: string },
  answer: MatchedUnder | DeletedUnder,
): string {
  if ("deleted" in answer) {
    const newer = answer.kept === 1 ? "was saved since, and stays" : "were saved since, and stay";
    const kept = answer.kept === 0 ? "" : ` ${count(answer.kept, "artifact")} under it ${newer}.`;
    return `${count(answer.deleted, "artifact")} (${count(answer.bytes, "byte")}) deleted.${kept}`;
  }
  const { artifacts, bytes, confirm } = answer;
  if (confirm === undefined) return ["0 artifacts match. Nothing is to be deleted.", ...wildcardHint(place)].join(" ");
  const call = `delete_artifact ${JSON.stringify({ ...place, confirm })}`;
  const match = artifacts === 1 ? "matches" : "match";
  return `${count(artifacts, "artifact")} (${count(bytes, "byte")}) ${match}. Nothing is deleted yet.${keysOf(answer)} To delete them: ${call}`;
}

/** The keys that a preview names, and a mark where it leaves some out. */
function keysOf({ artifacts, first_keys: first = [], last_keys: last = [] }: MatchedUnder): string {
  if (first.length === 0) return "";
  const between = artifacts > first.length + last.length ? ["..."] : [];
  return ` They are ${[...first.map(quote), ...between, ...last.map(quote)].join(", ")}.`;
}

/** @throws ArtifactError `invalid_argument` */
function oneKey(key: string | undefined, confirm: string | undefined): string {
  if (key === undefined)
    throw refused("key", "key is required: give key for one artifact, or prefix for all under it.");
  if (confirm !== undefined) throw refused("confirm", "confirm goes with prefix: leave it out for one key.");
  return key;
}

/** @throws ArtifactError `invalid_argument` */
function checkPrefixAlone(others: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined) throw refused(name, `${name} is for one key: give key or prefix, not both.`);
  }
}

const refused = (argument: string, message: string): ArtifactError =>
  new ArtifactError("invalid_argument", `${message} Nothing was changed.`, { details: { argument } });
