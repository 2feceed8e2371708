import { ErrorCode, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { parseMessage } from "../fast-json/fast-json.js";
import { type ErrorAnswer, errorAnswer, isObject, isRequestId, messageFault, withoutNulls } from "../flow/json-rpc.js";

/** A line that is not a message. */
export interface InvalidLine {
  /** For the log. */
  readonly reason: string;
  /** Undefined for a broken response: the client could take an answer to it for the answer to another request. */
  readonly answer: ErrorAnswer | undefined;
}

/** Returns the message of a line, or why the line is not a message. Returns undefined for a blank line. */
export function parseLine(line: Buffer): { readonly message: JSONRPCMessage } | InvalidLine | undefined {
  if (isBlank(line)) return undefined;
  let value: unknown;
  try {
    value = parseMessage(line);
  } catch (error) {
    return notJson((error as SyntaxError).message);
  }
  if (Array.isArray(value)) {
    const message = "Batches are not supported on stdio: send each message on a line of its own, not in an array.";
    return { reason: "a batch", answer: errorAnswer(null, ErrorCode.InvalidRequest, message) };
  }
  const message = withoutNulls(value);
  const fault = messageFault(message);
  return fault === undefined ? { message: message as JSONRPCMessage } : notMessage(value, fault);
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function notJson(fault: string): InvalidLine {
  const message = `The line is not JSON (${fault}): write each message as JSON in UTF-8, on a line of its own.`;
  return { reason: `not JSON: ${fault}`, answer: errorAnswer(null, ErrorCode.ParseError, message) };
}

function notMessage(value: unknown, fault: string): InvalidLine {
  const { id, method, result, error } = isObject(value) ? value : {};
  const isResponse = method === undefined && (result !== undefined || error !== undefined);
  const message = `The line is not a JSON-RPC 2.0 message: ${fault}. Correct it and send it again.`;
  const answer = errorAnswer(isRequestId(id) ? id : null, ErrorCode.InvalidRequest, message);
  return { reason: fault, answer: isResponse ? undefined : answer };
}
