import type { ListResourcesResult, ListResourceTemplatesResult, Resource } from "@modelcontextprotocol/sdk/types.js";
import type { Artifact } from "../../store/model/artifact.js";
import { ArtifactError } from "../../store/model/errors.js";
import type { Store } from "../../store/store.js";
import { toProtocolError } from "./read-resource.js";
import { bucketUri, rootUri } from "./resource-uri.js";

const pageSize = 100;

const root: Resource = {
  uri: rootUri,
  name: "buckets",
  title: "All buckets",
  description: "The buckets of this artifact store, as JSON.",
  mimeType: "application/json",
};

/**
 * One page of resources: the root, then the buckets, then the artifacts, each in order. A cursor is the kind that the next
 * page begins with (`b` for buckets, `a` for artifacts), followed by the store's own cursor in that listing.
 *
 * @throws ProtocolError InvalidParams for a cursor that this server did not give
 */
export async function listResources({ artifacts }: Store, cursor: string | undefined): Promise<ListResourcesResult> {
  const resources: Resource[] = cursor === undefined ? [root] : [];
  const [kind, inner] = readCursor(cursor);
  const room = (): number => pageSize - resources.length;
  try {
    if (kind === "b") {
      const page = await artifacts.listBuckets({ cursor: inner, limit: room() });
      resources.push(...page.data.map(({ name }) => bucketResource(name)));
      if (page.next_cursor !== undefined) return { resources, nextCursor: `b${page.next_cursor}` };
      if (room() === 0) return { resources, nextCursor: "a" };
    }
    const page = await artifacts.listAll({ cursor: kind === "a" ? inner : undefined, limit: room() });
    resources.push(...page.data.map(artifactResource));
    return page.next_cursor === undefined ? { resources } : { resources, nextCursor: `a${page.next_cursor}` };
  } catch (error) {
    throw toProtocolError(error);
  }
}

function readCursor(cursor: string | undefined): ["a" | "b", string | undefined] {
  if (cursor === undefined) return ["b", undefined];
  const inner = cursor.slice(1);
  if (cursor.startsWith("b")) return ["b", inner];
  if (cursor.startsWith("a")) return ["a", inner === "" ? undefined : inner];
  throw toProtocolError(
    new ArtifactError("invalid_argument", "cursor was not given by resources/list: leave it out to begin again."),
  );
}

function bucketResource(bucket: string): Resource {
  return {
    uri: bucketUri(bucket),
    name: bucket,
    title: `Bucket ${bucket}`,
    description: "The artifacts of this bucket, as JSON.",
    mimeType: "application/json",
  };
}

function artifactResource({ uri, bucket, key, mime_type, bytes, created_at }: Artifact): Resource {
  const lastModified = new Date(created_at * 1000).toISOString();
  return { uri, name: `${bucket}/${key}`, mimeType: mime_type, size: bytes, annotations: { lastModified } };
}

export const resourceTemplates: ListResourceTemplatesResult["resourceTemplates"] = [
  {
    uriTemplate: "artifact://{bucket}",
    name: "bucket",
    title: "A bucket's artifacts",
    description: "The artifacts of a bucket as JSON; ?cursor= goes on with the next page.",
    mimeType: "application/json",
  },
  {
    uriTemplate: "artifact://{bucket}/{+key}",
    name: "artifact",
    title: "An artifact's content",
    description: "The newest version: text where it is text, else a blob. At most 4 MiB; read larger ones in ranges.",
  },
  {
    uriTemplate: "artifact://{bucket}/{+key}{?version,offset,length}",
    name: "artifact-range",
    title: "A version or a range of an artifact's content",
    description: "offset and length are bytes.",
  },
  {
    uriTemplate: "artifact-upload://{id}",
    name: "upload-session",
    title: "An upload session",
    description: "The state of an upload as JSON; its offset says where to go on.",
    mimeType: "application/json",
  },
];
