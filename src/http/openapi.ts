import { z } from "zod";
import { problemCodes } from "./message/problem.js";
import type { AnswerDescription, Operation, Right, Route } from "./route.js";

type Json = Readonly<Record<string, unknown>>;

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(problemCodes as [string, ...string[]]),
  detail: z.string().meta({ description: "What happened, and what to do next." }),
});

/** Returns the OpenAPI 3.1 document of the routes. It is made from the schemas that check their arguments. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const { method, path, right, operation } of routes) {
    if (operation === undefined) continue;
    paths[path] ??= { parameters: pathParameters(path) as unknown as Json };
    paths[path][method.toLowerCase()] = describeOperation(operation, right);
  }
  const description =
    "Errors are application/problem+json with a code. The Model Context Protocol is at /mcp, as Streamable HTTP. /v1/files is another name of /v1/artifacts. The slashes of a key may be written as / or as %2F. A final slash after anything else than a key is ignored.";
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
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
    ...(name === "session"
      ? { description: "The session's id, a dot, and the signature that authorizes the request." }
      : {}),
  }));
}

function describeOperation(operation: Operation, right: Right): Json {
  const { id, summary, description, query, headers = {}, json, bytes, answers } = operation;
  const parameters = [
    ...(query === undefined ? [] : queryParameters(query)),
    ...Object.entries(headers).map(([name, description]) => ({
      name,
      in: "header",
      schema: { type: "string" },
      description,
    })),
  ];
  const responses = Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)]);
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

function queryParameters(query: z.ZodObject): Json[] {
  const { properties, required = [] } = schemaOf(query) as {
    readonly properties: Record<string, Json>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    ...(required.includes(name) && { required: true }),
    schema,
    description,
    ...(schema["type"] === "object" && { style: "deepObject", explode: true }),
  }));
}

function describeAnswer({ description, json, bytes, csv, text }: AnswerDescription): Json {
  const content = {
    ...(json && { "application/json": { schema: schemaOf(json) } }),
    ...(csv && { "text/csv": { schema: { type: "string" } } }),
    ...(text && { [text]: { schema: { type: "string" } } }),
    ...(bytes && { "*/*": {} }),
  };
  return Object.keys(content).length === 0 ? { description } : { description, content };
}

const problemResponse: Json = {
  description: "What went wrong, and what to do next",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

/** Returns the alternatives that authorize a request. An upload URL needs nothing else. */
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
