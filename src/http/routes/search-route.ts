import { z } from "zod";
import { parseTime } from "../../api/parse-time.js";
import { artifact, bucket, cursor, limit, pageOf, prefix } from "../../api/schemas.js";
import { SEARCH_ORDERS } from "../../store/ports/artifact-index.js";
import type { Route } from "../route.js";
import { readQuery } from "./read-query.js";

const time = z.string().optional();
const bytes = z.int().min(0).optional();
const searchQuery = z.strictObject({
  query: z.string().optional().meta({
    description: "Words. Each must be a part of the bucket, the key or the metadata (names and values), in any case.",
  }),
  bucket: bucket.optional(),
  prefix,
  mime_type: z.string().optional().meta({ description: "Like text/csv, or text/* for all of a kind." }),
  created_after: time.meta({ description: "In ISO 8601, like 2026-03-01 or 2026-03-01T08:30:00Z, or Unix seconds." }),
  created_before: time.meta({ description: "A time, as in created_after." }),
  min_bytes: bytes,
  max_bytes: bytes,
  metadata: z.record(z.string(), z.string()).optional().meta({ description: "Pairs that the metadata must have." }),
  order: z.enum(SEARCH_ORDERS).optional().meta({ description: "newest by default." }),
  cursor,
  limit: limit.default(20),
});

export const searchRoute: Route = {
  method: "GET",
  path: "/v1/search",
  right: "token",
  isWriting: false,
  operation: {
    id: "searchArtifacts",
    summary: "Find artifacts by words, metadata, type, time and size",
    description:
      "Conditions are of the newest version, and all must hold. A page may be short and still have a cursor.",
    query: searchQuery,
    answers: { 200: { description: "A page of artifacts", json: pageOf(artifact) } },
  },
  async handle({ store }, exchange) {
    const { created_after, created_before, ...wanted } = readQuery(exchange, searchQuery);
    const range = {
      created_after: created_after === undefined ? undefined : parseTime(created_after, "created_after"),
      created_before: created_before === undefined ? undefined : parseTime(created_before, "created_before", "last"),
    };
    return { status: 200, body: await store.artifacts.search({ ...wanted, ...range }) };
  },
};
