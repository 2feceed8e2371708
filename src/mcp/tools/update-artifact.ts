import { z } from "zod";
import { guardArgument } from "../../api/guard-arguments.js";
import { artifact, bucket, key, metadata } from "../../api/schemas.js";
import { parseNewExpiresIn } from "../../store/model/expiry.js";
import { newExpiresIn, shortIfVersion } from "../calls/change-arguments.js";
import { withKeyHints } from "../calls/key-hints.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { edited } from "../calls/tool-result.js";

export function updateArtifact({ store, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "update_artifact",
    title: "Update metadata or expiry",
    description: `Changes metadata or expiry of an artifact's newest version in place, without sending its content again. No version is made: the version's edit goes up, and guards then read like "3.1".`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    input: z.strictObject({
      bucket,
      key,
      metadata: metadata.meta({ description: "Replaces all pairs, unless merge is true." }),
      merge: z
        .boolean()
        .default(false)
        .meta({ description: "Sets the given pairs and keeps the others; an empty text removes its pair." }),
      expires_in: newExpiresIn,
      if_version: shortIfVersion,
    }),
    output: artifact,
    async answer({ if_version, expires_in, ...rest }) {
      const expiry = expires_in === undefined ? {} : { expires_in: parseNewExpiresIn(expires_in) };
      const change = { ...rest, ...expiry, ...guardArgument(if_version), by: savedBy() };
      const update = () => store.artifacts.update(change);
      return edited(await withKeyHints(store.artifacts, rest, update, { isChange: true }), rest);
    },
  });
}
