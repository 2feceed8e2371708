import { type CompleteRequest, type CompleteResult, ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { ArtifactError } from "../../store/model/errors.js";
import { isBucketPrefix } from "../../store/model/names/bucket-name.js";
import type { Store } from "../../store/store.js";
import { resourceTemplates } from "./list-resources.js";
import { toProtocolError } from "./read-resource.js";
import { fromTemplateValue, toTemplateValue } from "./uri.js";

/** The protocol's limit on one answer. */
const mostValues = 100;

/** Buckets, and keys of the bucket that is filled in already, that begin with what was typed. @throws McpError */
export async function complete(store: Store, { ref, argument, context }: CompleteRequest["params"]) {
  if (ref.type !== "ref/resource" || !resourceTemplates.some(({ uriTemplate }) => uriTemplate === ref.uri)) {
    const known = resourceTemplates.map(({ uriTemplate }) => uriTemplate).join(" ");
    throw new McpError(ErrorCode.InvalidParams, `Nothing is completed here but the arguments of ${known}`);
  }
  try {
    switch (argument.name) {
      case "bucket":
        return await completeBucket(store, argument.value);
      case "key":
        return await completeKey(store, context?.arguments?.["bucket"] ?? "", argument.value);
      default:
        return none;
    }
  } catch (error) {
    throw toProtocolError(error);
  }
}

const none: CompleteResult = { completion: { values: [], hasMore: false } };

async function completeBucket({ artifacts }: Store, prefix: string): Promise<CompleteResult> {
  if (!isBucketPrefix(prefix)) return none;
  const { data, next_cursor } = await artifacts.listBuckets({ prefix, limit: mostValues });
  return { completion: { values: data.map(({ name }) => name), hasMore: next_cursor !== undefined } };
}

async function completeKey({ artifacts }: Store, bucket: string, typed: string): Promise<CompleteResult> {
  const prefix = fromTemplateValue(typed);
  try {
    const { data, next_cursor } = await artifacts.list({ bucket, prefix, limit: mostValues });
    return { completion: { values: data.map(({ key }) => toTemplateValue(key)), hasMore: next_cursor !== undefined } };
  } catch (error) {
    // What is typed is not finished yet: a name that cannot be, or is not there, has no completions.
    const isMiss = error instanceof ArtifactError && ["invalid_argument", "bucket_not_found"].includes(error.code);
    if (isMiss) return none;
    throw error;
  }
}
