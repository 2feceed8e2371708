import { z } from "zod";
import { comparedVersions } from "../../../api/compared-versions.js";
import { comparison } from "../../../api/comparison-schema.js";
import { artifact, bucket, key, version } from "../../../api/schemas.js";
import type { Route } from "../../route.js";
import { readQuery } from "../read-query.js";
import { lookInto } from "./look-into.js";

/** Longest diff or list of changed rows, in characters. */
const maxChars = 100_000;

const compareQuery = z.strictObject({
  bucket,
  key,
  version: version.meta({
    description: "The version before. If left out: the one before the other version, or the newest of another key.",
  }),
  to_bucket: bucket.optional().meta({ description: "The other artifact's bucket; the same if left out." }),
  to_key: key.optional().meta({ description: "The other artifact's key; the same if left out." }),
  to_version: version,
  by: z.string().optional().meta({ description: "A column of both tables whose values name the rows." }),
});

export const compareRoute: Route = {
  method: "GET",
  path: "/v1/compare",
  right: "token",
  isWriting: false,
  operation: {
    id: "compareArtifacts",
    summary: "Say how two versions, or two artifacts, differ",
    description: "With bucket and key alone, the newest version is compared with the one before.",
    query: compareQuery,
    answers: {
      200: {
        description: "Both versions, and how they differ",
        json: z.object({ before: artifact, after: artifact, comparison }),
      },
    },
  },
  async handle(context, exchange) {
    const { by, ...asked } = readQuery(exchange, compareQuery);
    const { before, after } = await comparedVersions(context.store.artifacts, asked);
    const body = await lookInto(context, exchange, (signal) =>
      context.store.insight.compare(before, after, { by, chars: maxChars }, signal),
    );
    return { status: 200, body };
  },
};
