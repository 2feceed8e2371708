import { z } from "zod";
import { problemCodes } from "./message/problem.js";
import type { Operation, Right, Route } from "./route.js";

type Json = Readonly<Record<string, unknown>>;

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(problemCodes as [string, ...string[]]),
  detail: z.string().meta({ description: "What happened, and what to do next." }),
});

/** OpenAPI 3.1 of the routes, from the schemas that check and shape what they take and answer. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const { method, path, right, operation } of routes) {
    if (operation === undefined) continue;
    paths[path] ??= { parameters: pathParameters(path) as unknown as Json };
    paths[path][method.toLowerCase()] = describeOperation(operation, right);
  }
  const description =
    "Errors are application/problem+json with a code. The Model Context Protocol is at /mcp, as Streamable HTTP. Everything is under /v1/files too, in place of /v1/artifacts. A key's slashes may be written as they are or as %2F; a final slash elsewhere is nothing.";
  return {
    openapi: "3.1.0",
    info: { title: "artifacts-mcp", version, description },
    paths,
    components: {
      schemas: { Problem: schemaOf(problem) },
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        signature: { type: "apiKey", in: "query", name: "signature" },
      },
    },
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: "path", required: true, schema: { type: "string" } },
    ...(name === "session"
      ? { description: "The id and, behind a dot, the code that makes the URL good by itself." }
      : {}),
  }));
}

function describeOperation(operation: Operation, right: Right): Json {
  const { id, summary, description, query, headers = {}, json, bytes, answers } = operation;
  const parameters = [
    ...Object.entries(query === undefined ? {} : (schemaOf(query)["properties"] as Record<string, Json>)).map(
      ([name, { description: says, ...schema }]) => ({ name, in: "query", schema, description: says }),
    ),
    ...Object.entries(headers).map(([name, says]) => ({
      ...{ name, in: "header", schema: { type: "string" }, description: says },
    })),
  ];
  const responses = Object.entries(answers).map(([status, { says, json: schema, bytes: isBytes }]) => {
    const content = schema ? { "application/json": { schema: schemaOf(schema) } } : isBytes ? { "*/*": {} } : undefined;
    return [status, { description: says, ...(content && { content }) }];
  });
  return {
    operationId: id,
    summary,
    ...(description && { description }),
    security: securityOf(right),
    ...(parameters.length > 0 && { parameters }),
    ...(json && { requestBody: { required: true, content: { "application/json": { schema: schemaOf(json) } } } }),
    ...(bytes && { requestBody: { content: { [bytes]: {} } } }),
    responses: { ...Object.fromEntries(responses), default: problemResponse },
  };
}

const problemResponse: Json = {
  description: "What went wrong, and what to do next",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

/** An upload URL needs nothing beside itself. */
function securityOf(right: Right): Json[] {
  switch (right) {
    case "token":
      return [{ token: [] }];
    case "download-url":
      return [{ token: [] }, { signature: [] }];
    case "upload-url":
      return [{}, { token: [] }];
    case "none":
      return [];
  }
}

function schemaOf(schema: z.ZodType): Json {
  const { $schema, ...json } = z.toJSONSchema(schema, { io: "input" });
  return json;
}
