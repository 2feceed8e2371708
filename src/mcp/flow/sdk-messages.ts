import {
  ErrorCode,
  type JSONRPCNotification,
  type JSONRPCRequest,
  ProgressNotificationParamsSchema,
  RELATED_TASK_META_KEY,
  RequestIdSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { type ErrorAnswer, errorAnswer } from "./json-rpc.js";
import { readParams } from "./request-params.js";

/**
 * The parameters that this server reads. It ignores other capabilities, so that those of another protocol version are
 * not refused. A capability that a host leaves out counts as not supported.
 */
const initializeParams = z.object({
  protocolVersion: z.string(),
  capabilities: z.object({ roots: z.object({}).optional() }).default({}),
  clientInfo: z
    .object({ name: z.string().default(""), version: z.string().default("") })
    .default({ name: "", version: "" }),
});

/** The notifications whose parameters the SDK checks. Its errors are the output of its validator. */
const notificationParams: ReadonlyMap<string, z.ZodObject> = new Map<string, z.ZodObject>([
  ["notifications/cancelled", z.looseObject({ requestId: RequestIdSchema, reason: z.string().optional() })],
  ["notifications/progress", ProgressNotificationParamsSchema],
]);

/** Returns a request that the SDK takes, or our error answer if the SDK would refuse the request. */
export function requestForSdk(request: JSONRPCRequest): JSONRPCRequest | ErrorAnswer {
  const { id, method, params } = request;
  if (method !== "initialize") return withoutTask(request);
  const read = readParams(initializeParams, params, method);
  if (typeof read === "string") return errorAnswer(id, ErrorCode.InvalidParams, read);
  return { ...request, params: read };
}

/** Says in one line what is wrong with a notification. Returns undefined if the SDK takes it. */
export function notificationFault({ method, params }: JSONRPCNotification): string | undefined {
  const schema = notificationParams.get(method);
  const read = schema === undefined ? undefined : readParams(schema, params, method);
  return typeof read === "string" ? read : undefined;
}

/**
 * "Receivers that do not declare the task capability for a request type MUST process requests of that type normally,
 * ignoring any task-augmentation metadata if present": the specification of 2025-11-25, "Tasks", "Task Support and
 * Handling". The SDK refuses a request with `task`, and loses the notifications of a request with a related task.
 */
function withoutTask(request: JSONRPCRequest): JSONRPCRequest {
  if (request.params === undefined) return request;
  const { task, ...params } = request.params;
  const { [RELATED_TASK_META_KEY]: related, ...meta } = params._meta ?? {};
  if (task === undefined && related === undefined) return request;
  return { ...request, params: related === undefined ? params : { ...params, _meta: meta } };
}
