import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestId } from "@modelcontextprotocol/sdk/types.js";
import type { ByteSource } from "../../store/ports/byte-source.js";

/** One request over HTTP and the way to its answer, as the server of HTTP hands it on. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: ByteSource & {
    /** In bytes, where the client says so. */
    readonly length: number | undefined;
    /** Whether there is a body that has not been read to its end. */
    readonly isUnread: boolean;
  };
  /** A header's value; several lines of it are joined by commas. */
  header(name: string): string | undefined;
  /** Answers with JSON, also while the client still sends. */
  send(answer: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: object;
  }): Promise<void>;
}

/** A request that is not taken: its answer is a JSON-RPC error. */
export class RefusedRequest extends Error {
  override readonly name = "RefusedRequest";
  readonly status: number;
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly id: RequestId | null;

  /**
   * @param message what is wrong, and what to do
   * @param id of the one request that it answers; null where it is about the request of HTTP
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
