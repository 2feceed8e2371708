import { type CompleteRequest, type CompleteResult, ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { ArtifactError } from "../../store/model/errors.js";
import { isBucketPrefix } from "../../store/model/names/bucket-name.js";
import type { Store } from "../../store/store.js";
import { ProtocolError } from "../calls/protocol-error.js";
import { resourceTemplates } from "./list-resources.js";
import { toProtocolError } from "./read-resource.js";
import { fromTemplateValue, toTemplateValue } from "./resource-uri.js";

/** The protocol's limit on the values in one answer. */
const maxValues = 100;

/**
 * Completes an argument of a resource template: buckets that begin with the typed text, or keys that do, in the bucket
 * that is already filled in.
 *
 * @throws ProtocolError
 */
export async function completeArgument(store: Store, { ref, argument, context }: CompleteRequest["params"]) {
  if (ref.type !== "ref/resource" || !resourceTemplates.some(({ uriTemplate }) => uriTemplate === ref.uri)) {
    const known = resourceTemplates.map(({ uriTemplate }) => uriTemplate).join(" ");
    throw new ProtocolError(ErrorCode.InvalidParams, `Only the arguments of these templates are completed: ${known}`);
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
  const { data, next_cursor } = await artifacts.listBuckets({ prefix, limit: maxValues });
  return { completion: { values: data.map(({ name }) => name), hasMore: next_cursor !== undefined } };
}

async function completeKey({ artifacts }: Store, bucket: string, typed: string): Promise<CompleteResult> {
  const prefix = fromTemplateValue(typed);
  try {
    const { data, next_cursor } = await artifacts.list({ bucket, prefix, limit: maxValues });
    return { completion: { values: data.map(({ key }) => toTemplateValue(key)), hasMore: next_cursor !== undefined } };
  } catch (error) {
    // The text may be unfinished, so an invalid name and a missing bucket simply have no completions.
    const isMiss = error instanceof ArtifactError && ["invalid_argument", "bucket_not_found"].includes(error.code);
    if (isMiss) return none;
    throw error;
  }
}
