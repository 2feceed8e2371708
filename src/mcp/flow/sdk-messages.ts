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
 * What this server knows of a client. Other capabilities are not looked at, so that none of another version of the
 * protocol is in the way; what a host leaves out, it has not.
 */
const initializeParams = z.object({
  protocolVersion: z.string(),
  capabilities: z.object({ roots: z.object({}).optional() }).default({}),
  clientInfo: z
    .object({ name: z.string().default(""), version: z.string().default("") })
    .default({ name: "", version: "" }),
});

/** Those that the SDK reads, and says of wrong ones what its validator says. */
const notificationParams: ReadonlyMap<string, z.ZodObject> = new Map<string, z.ZodObject>([
  ["notifications/cancelled", z.looseObject({ requestId: RequestIdSchema, reason: z.string().optional() })],
  ["notifications/progress", ProgressNotificationParamsSchema],
]);

/** A request as the SDK takes it, or the answer to one that it would refuse in its own words. */
export function requestForSdk(request: JSONRPCRequest): JSONRPCRequest | ErrorAnswer {
  const { id, method, params } = request;
  if (method !== "initialize") return withoutTask(request);
  const read = readParams(initializeParams, params, method);
  if (typeof read === "string") return errorAnswer(id, ErrorCode.InvalidParams, read);
  return { ...request, params: read };
}

/** What is wrong with a notification, as one line; undefined where the SDK takes it. */
export function notificationFault({ method, params }: JSONRPCNotification): string | undefined {
  const schema = notificationParams.get(method);
  const read = schema === undefined ? undefined : readParams(schema, params, method);
  return typeof read === "string" ? read : undefined;
}

/**
 * "Receivers that do not declare the task capability for a request type MUST process requests of that type normally,
 * ignoring any task-augmentation metadata if present": the specification of 2025-11-25, "Tasks", "Task Support and
 * Handling". The SDK refuses such a request, and loses the notifications of one that is related to a task.
 */
function withoutTask(request: JSONRPCRequest): JSONRPCRequest {
  if (request.params === undefined) return request;
  const { task, ...params } = request.params;
  const { [RELATED_TASK_META_KEY]: related, ...meta } = params._meta ?? {};
  if (task === undefined && related === undefined) return request;
  return { ...request, params: related === undefined ? params : { ...params, _meta: meta } };
}
