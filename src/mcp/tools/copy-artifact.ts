import { z } from "zod";
import { guardArgument, sourceGuardArgument } from "../../api/guard-arguments.js";
import { artifact, bucket, key, version } from "../../api/schemas.js";
import { sourceIfVersion, targetIfVersion } from "../calls/change-arguments.js";
import { withKeyHints } from "../calls/key-hints.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { published } from "../calls/tool-result.js";

export function copyArtifact({ store, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "copy_artifact",
    title: "Copy, move or rename an artifact",
    description: `Copies an artifact to another key or bucket inside the store, or with move true moves or renames it, whatever its size. Its bytes never pass you, and its metadata stays.

A copy of an older version to its own key brings it back. A move takes all versions along in one step. On a key that exists, a copy becomes the newest version, and a move needs if_version.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    input: z.strictObject({
      bucket,
      key,
      version,
      to_bucket: z.string().optional().meta({ description: "The same bucket if left out." }),
      to_key: z.string().optional().meta({ description: "The same key if left out." }),
      move: z.boolean().default(false).meta({ description: "The source goes away." }),
      all_versions: z.boolean().optional().meta({ description: "false: a move drops the older versions." }),
      if_version: targetIfVersion,
      from_if_version: sourceIfVersion,
    }),
    output: artifact.extend({
      moved_versions: z.int().min(1).optional().meta({ description: "How many versions a move took along." }),
    }),
    async answer({ if_version, from_if_version, ...rest }, { signal }) {
      const guards = { ...guardArgument(if_version), ...sourceGuardArgument(from_if_version) };
      const copy = () => store.artifacts.copy({ ...rest, ...guards, saved_by: savedBy() }, { signal });
      return published(await withKeyHints(store.artifacts, rest, copy, { isChange: true }), {});
    },
  });
}
