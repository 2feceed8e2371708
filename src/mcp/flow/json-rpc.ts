import {
  ErrorCode,
  type JSONRPCMessage,
  type JSONRPCRequest,
  RELATED_TASK_META_KEY,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { quote } from "../../store/model/quote.js";

/** An error response. Its id is null if the id of the request is not known, which the SDK's type does not allow. */
export interface ErrorAnswer {
  readonly jsonrpc: "2.0";
  readonly id: RequestId | null;
  readonly error: { readonly code: number; readonly message: string };
}

/** JSON-RPC reserves the codes from -32000 to -32099 for errors that the server defines. */
export const serverErrorCode = -32_000;

export function errorAnswer(id: RequestId | null, code: number, message: string): ErrorAnswer {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

export function internalError(id: RequestId): ErrorAnswer {
  return errorAnswer(id, ErrorCode.InternalError, "The server failed on this request: try again.");
}

export function duplicateId(id: RequestId): string {
  return `A request with the id ${JSON.stringify(id)} is not answered yet: give each request an id of its own.`;
}

export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return "method" in message && "id" in message;
}

/** A fraction or a number past 2^53 is refused: it would come back as another id. */
export function isRequestId(id: unknown): id is RequestId {
  return typeof id === "string" || Number.isSafeInteger(id);
}

export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Drops members that are null, because hosts write null for what is absent: `params`, `result`, `error`, and all
 * members inside `params` and `result` at any depth. Those two are changed in place. Elements of arrays stay. An `id`
 * that is null stays as well, except in a notification.
 */
export function withoutNulls(value: unknown): unknown {
  if (!isObject(value)) return value;
  const message = Object.fromEntries(
    Object.entries(value).filter(([name, member]) => member !== null || name === "id"),
  );
  const { id, method } = message;
  if (id === null && typeof method === "string" && method.startsWith("notifications/")) delete message["id"];
  dropNulls(message["params"]);
  dropNulls(message["result"]);
  return message;
}

/** Works without recursion, because values may be nested deeper than the call stack allows. */
function dropNulls(root: unknown): void {
  const left = [root];
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    if (isPlainObject(holder)) deleteNulls(holder);
    else if (!Array.isArray(holder)) continue;
    for (const part of Object.values(holder)) if (typeof part === "object") left.push(part);
  }
}

function deleteNulls(holder: Record<string, unknown>): void {
  for (const name of Object.keys(holder)) if (holder[name] === null) delete holder[name];
}

/** Tells whether the value is an object of JSON. `DecodedContent` is not. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  return isObject(value) && Object.getPrototypeOf(value) === Object.prototype;
}

type Members = Readonly<Record<string, unknown>>;

const idRule = "id must be a string or a whole number of at most 2^53 - 1";

/**
 * Says what is wrong with a message. Returns undefined if the SDK takes it. The SDK drops a message that it does not
 * take, and does not answer.
 */
export function messageFault(message: unknown): string | undefined {
  if (!isObject(message)) return "it must be an object";
  const { jsonrpc, id, method, params, result, error, ...others } = message;
  const [other] = Object.keys(others);
  if (jsonrpc !== "2.0") return 'jsonrpc must be "2.0"';
  if (other !== undefined) return `${quote(other)} is not a member of a message`;
  if (method === undefined) return responseFault({ id, params, result, error });
  if (result !== undefined || error !== undefined) return "a message with a method has neither result nor error";
  if (typeof method !== "string") return "method must be a string";
  if (id !== undefined && !isRequestId(id)) return idRule;
  return params === undefined ? undefined : objectFault("params", params);
}

function responseFault({ id, params, result, error }: Members): string | undefined {
  if (result === undefined && error === undefined) return "method is missing";
  if (params !== undefined) return "params without a method are not allowed";
  if (result !== undefined && error !== undefined) return "a response has either result or error, not both";
  if (!isRequestId(id) && (id !== undefined || error === undefined)) return idRule;
  if (result !== undefined) return objectFault("result", result);
  const { code, message } = isObject(error) ? error : {};
  return Number.isSafeInteger(code) && typeof message === "string" ? undefined : "error needs a code and a message";
}

function objectFault(name: "params" | "result", value: unknown): string | undefined {
  if (!isObject(value)) return `${name} must be an object`;
  const meta = value["_meta"];
  if (meta === undefined) return undefined;
  if (!isObject(meta)) return `${name}._meta must be an object`;
  const token = meta["progressToken"];
  if (token !== undefined && !isRequestId(token)) {
    return `${name}._meta.progressToken must be a string or a whole number`;
  }
  const task = meta[RELATED_TASK_META_KEY];
  if (task === undefined || (isObject(task) && typeof task["taskId"] === "string")) return undefined;
  return `${name}._meta[${quote(RELATED_TASK_META_KEY)}] must be an object with a taskId`;
}
