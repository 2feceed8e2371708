import { ErrorCode, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { parseMessage } from "../fast-json/fast-json.js";
import { type ErrorAnswer, errorAnswer, messageFault, withoutNulls } from "../flow/json-rpc.js";

/** The content of an HTTP body: one message, or an array of messages (a batch). */
export interface ParsedBody {
  readonly messages: readonly JSONRPCMessage[];
  readonly isBatch: boolean;
}

const maxBatchMessages = 100;

/** Returns the messages of an HTTP body, or what is wrong with it. One wrong message makes the whole body wrong. */
export function parseBody(body: Buffer): ParsedBody | ErrorAnswer {
  let value: unknown;
  try {
    value = parseMessage(body);
  } catch (error) {
    return bodyError(ErrorCode.ParseError, `is not JSON (${(error as SyntaxError).message})`);
  }
  const isBatch = Array.isArray(value);
  const messages = (Array.isArray(value) ? value : [value]).map(withoutNulls);
  if (messages.length === 0) return bodyError(ErrorCode.InvalidRequest, "holds no message");
  if (messages.length > maxBatchMessages) {
    const message = `The body holds ${messages.length} messages. Send at most ${maxBatchMessages} in one array.`;
    return errorAnswer(null, ErrorCode.InvalidRequest, message);
  }
  for (const message of messages) {
    const fault = messageFault(message);
    if (fault === undefined) continue;
    return bodyError(ErrorCode.InvalidRequest, `holds a value that is not a JSON-RPC 2.0 message: ${fault}`);
  }
  return { messages: messages as JSONRPCMessage[], isBatch };
}

function bodyError(code: number, problem: string): ErrorAnswer {
  return errorAnswer(null, code, `The body ${problem}. Send a JSON-RPC message as JSON in UTF-8.`);
}
