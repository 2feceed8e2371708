import { isAscii, isUtf8 } from "node:buffer";
import {
  ErrorCode,
  type JSONRPCMessage,
  RELATED_TASK_META_KEY,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { quote } from "../../store/model/quote.js";
import { parseJson, type Replace } from "../fast-json/large-literals.js";

/** An error that answers one line. The SDK's type knows no null: the id of a line whose id cannot be told. */
export interface ErrorAnswer {
  readonly jsonrpc: "2.0";
  readonly id: RequestId | null;
  readonly error: { readonly code: number; readonly message: string };
}

/** A line that is no message. */
export interface InvalidLine {
  readonly reason: string;
  /** undefined for a broken response: an answer to it would be taken for the answer to something else. */
  readonly answer: ErrorAnswer | undefined;
}

type Members = Readonly<Record<string, unknown>>;

/**
 * The message in a line, or why there is none; undefined for a blank line.
 *
 * @param replace what its large strings become, where that is no string
 */
export function parseLine(
  line: Buffer,
  replace?: Replace,
): { readonly message: JSONRPCMessage } | InvalidLine | undefined {
  const encoding = encodingOf(line);
  if (encoding === undefined) return notJson("it is not UTF-8");
  if (isBlank(line)) return undefined;
  let value: unknown;
  try {
    value = parseJson(line, encoding, replace);
  } catch (error) {
    return notJson((error as SyntaxError).message);
  }
  if (Array.isArray(value)) {
    const message = "Batches are not taken: send each message on a line of its own, not in an array.";
    return { reason: "a batch", answer: errorAnswer(null, ErrorCode.InvalidRequest, message) };
  }
  const message = withoutNulls(value);
  const reason = isObject(message) ? faultOf(message) : "it must be an object";
  return reason === undefined ? { message: message as JSONRPCMessage } : invalid(value, reason);
}

/**
 * A message without members that are null, which hosts write for what is absent: its `params`, `result` and `error`,
 * and what is in the first two at any depth, those changed in place. Elements of arrays stay, and so does an `id`, but
 * for a notification's.
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

/** Not by recursion: a line may be nested deeper than calls can be. */
function dropNulls(root: unknown): void {
  const left = [root];
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    if (isPlain(holder)) deleteNulls(holder);
    else if (!Array.isArray(holder)) continue;
    for (const part of Object.values(holder)) if (typeof part === "object") left.push(part);
  }
}

function deleteNulls(holder: Record<string, unknown>): void {
  for (const name of Object.keys(holder)) if (holder[name] === null) delete holder[name];
}

/** What JSON makes an object of: content that was decoded on the way is none. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return isObject(value) && Object.getPrototypeOf(value) === Object.prototype;
}

/** What a body of HTTP holds: one message, or several in an array. */
export interface ParsedBody {
  readonly messages: readonly JSONRPCMessage[];
  readonly isBatch: boolean;
}

/** Messages in one array, at most. */
const maxBatch = 100;

/**
 * The messages in a body of HTTP, or what is wrong with it: a body with one wrong message is refused as a whole.
 *
 * @param replace what its large strings become, where that is no string
 */
export function parseBody(body: Buffer, replace?: Replace): ParsedBody | ErrorAnswer {
  const encoding = encodingOf(body);
  if (encoding === undefined) return bodyError(ErrorCode.ParseError, "is not UTF-8");
  let value: unknown;
  try {
    value = parseJson(body, encoding, replace);
  } catch (error) {
    return bodyError(ErrorCode.ParseError, `is not JSON (${(error as SyntaxError).message})`);
  }
  const isBatch = Array.isArray(value);
  const messages = (Array.isArray(value) ? value : [value]).map(withoutNulls);
  if (messages.length === 0) return bodyError(ErrorCode.InvalidRequest, "holds no message");
  if (messages.length > maxBatch) {
    const message = `The body holds ${messages.length} messages. Send at most ${maxBatch} in one array.`;
    return errorAnswer(null, ErrorCode.InvalidRequest, message);
  }
  for (const message of messages) {
    const reason = isObject(message) ? faultOf(message) : "it must be an object";
    if (reason === undefined) continue;
    return bodyError(ErrorCode.InvalidRequest, `holds what is no JSON-RPC 2.0 message: ${reason}`);
  }
  return { messages: messages as JSONRPCMessage[], isBatch };
}

function bodyError(code: number, problem: string): ErrorAnswer {
  return errorAnswer(null, code, `The body ${problem}. Send a JSON-RPC message as JSON in UTF-8.`);
}

export function errorAnswer(id: RequestId | null, code: number, message: string): ErrorAnswer {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

/** A fraction, or a number past 2^53, would come back as another id. */
export function isRequestId(id: unknown): id is RequestId {
  return typeof id === "string" || Number.isSafeInteger(id);
}

/** ASCII is decoded several times faster as Latin-1; what is no UTF-8 must not be stored as something else. */
function encodingOf(line: Buffer): "latin1" | "utf8" | undefined {
  if (isAscii(line)) return "latin1";
  return isUtf8(line) ? "utf8" : undefined;
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function notJson(reason: string): InvalidLine {
  const message = `The line is not JSON (${reason}): write each message as JSON in UTF-8, on a line of its own.`;
  return { reason: `not JSON: ${reason}`, answer: errorAnswer(null, ErrorCode.ParseError, message) };
}

function invalid(value: unknown, reason: string): InvalidLine {
  const { id, method, result, error } = isObject(value) ? value : {};
  const isResponse = method === undefined && (result !== undefined || error !== undefined);
  const message = `The line is no JSON-RPC 2.0 message: ${reason}. Correct it and send it again.`;
  const answer = errorAnswer(isRequestId(id) ? id : null, ErrorCode.InvalidRequest, message);
  return { reason, answer: isResponse ? undefined : answer };
}

const idRule = "id must be a string or a whole number of at most 2^53 - 1";

/** What the SDK would not take of a message; it drops without a word what is neither request nor response to it. */
function faultOf({ jsonrpc, id, method, params, result, error, ...others }: Members): string | undefined {
  const [other] = Object.keys(others);
  if (jsonrpc !== "2.0") return 'jsonrpc must be "2.0"';
  if (other !== undefined) return `${quote(other)} is no member of a message`;
  if (method === undefined) return responseFault({ id, params, result, error });
  if (result !== undefined || error !== undefined) return "with a method there is neither result nor error";
  if (typeof method !== "string") return "method must be a string";
  if (id !== undefined && !isRequestId(id)) return idRule;
  return params === undefined ? undefined : objectFault("params", params);
}

function responseFault({ id, params, result, error }: Members): string | undefined {
  if (result === undefined && error === undefined) return "there is no method";
  if (params !== undefined) return "params belong to a method";
  if (result !== undefined && error !== undefined) return "there is either result or error";
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

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
