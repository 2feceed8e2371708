/**
 * An error that answers a request, in the terms of JSON-RPC. The SDK sends `code`, `message` and `data` as they are.
 * The SDK's own McpError would put `MCP error CODE:` in front of the message, and clients put it there again.
 */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: number;
  readonly data: object | undefined;

  constructor(code: number, message: string, data?: object) {
    super(message);
    this.code = code;
    this.data = data;
  }
}
