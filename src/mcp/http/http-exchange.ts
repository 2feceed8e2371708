import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestId } from "@modelcontextprotocol/sdk/types.js";
import type { ByteSource } from "../../store/ports/byte-source.js";

/** The JSON-RPC error code for a session that does not exist or has ended. */
export const sessionNotFoundCode = -32_001;

/** An HTTP request and the way to answer it. The HTTP server provides it. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: ByteSource & {
    /** The length of the body in bytes. Undefined if the client has not told it. */
    readonly length: number | undefined;
    /** Whether a part of the body has not been read. */
    readonly isUnread: boolean;
  };
  /** Returns the value of a header. The values of several lines are joined by commas. */
  header(name: string): string | undefined;
  /** Answers with JSON. This also works while the client is still sending. */
  send(answer: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: object;
  }): Promise<void>;
}

/** Thrown for a request that is refused. The answer is a JSON-RPC error. */
export class RefusedRequest extends Error {
  override readonly name = "RefusedRequest";
  readonly status: number;
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly id: RequestId | null;

  /**
   * @param message what is wrong, and what to do next
   * @param id the id of the JSON-RPC request that it answers; null if it answers the HTTP request as a whole
   */
  constructor(
    status: number,
    code: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    id: RequestId | null = null,
  ) {
    super(message);
    this.id = id;
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
