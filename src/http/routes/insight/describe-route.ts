import { z } from "zod";
import { description } from "../../../api/description-schema.js";
import { artifact, version } from "../../../api/schemas.js";
import { isCut } from "../../../store/insight/known-descriptions.js";
import { etagOf } from "../../message/etag.js";
import type { Route } from "../../route.js";
import { readQuery } from "../read-query.js";
import { lookInto } from "./look-into.js";

const describeQuery = z.strictObject({ version });

export const describeRoute: Route = {
  method: "GET",
  path: "/v1/describe/{bucket}/{key}",
  right: "token",
  isWriting: false,
  operation: {
    id: "describeArtifact",
    summary: "Say what a content is: its format, and what is in it",
    description:
      "Takes up to ten seconds for content that was not described before. A description that does not cover all content has `partial`.",
    query: describeQuery,
    answers: { 200: { description: "The artifact, with a description", json: artifact.extend({ description }) } },
  },
  async handle(context, exchange, { bucket = "", key = "" }) {
    const found = await context.store.artifacts.get(bucket, key, readQuery(exchange, describeQuery).version);
    const at = { bucket, key, version: found.version };
    const { insight } = context.store;
    const known = await insight.known(found);
    const description =
      known !== undefined && !isCut(known)
        ? known
        : (await lookInto(context, exchange, (signal) => insight.describe(at, signal))).description;
    return { status: 200, headers: { etag: etagOf(found) }, body: { ...found, description } };
  },
};
