import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  ErrorCode,
  type Result,
  type ServerNotification,
  type ServerRequest,
} from "@modelcontextprotocol/sdk/types.js";
import type { z } from "zod";
import { quote } from "../../store/model/quote.js";
import { ProtocolError } from "../calls/protocol-error.js";
import { work } from "../flow/call-work.js";
import { readParams } from "../flow/request-params.js";

/** What a handler knows of one request besides its parameters. */
export type RequestExtra = RequestHandlerExtra<ServerRequest, ServerNotification>;
type Handler = (params: unknown, extra: RequestExtra) => Promise<Result>;

/** The requests that a server answers besides those that the SDK answers, by method. */
export interface RequestHandlers {
  on<Params extends z.ZodObject>(
    method: string,
    params: Params,
    handler: (params: z.output<Params>, extra: RequestExtra) => Promise<Result>,
  ): void;
}

/**
 * Registers handlers with the SDK's server as its fallback. The SDK's own registration would answer parameters that break
 * their schema with -32603 and zod's JSON, and would check each call of a tool three times.
 */
export function createRequestHandlers(server: Server): RequestHandlers {
  const handlers = new Map<string, Handler>();
  server.fallbackRequestHandler = async (request, extra) => {
    const handler = handlers.get(request.method);
    if (handler === undefined) throw methodNotFound(request.method, [...handlers.keys()]);
    extra.signal.throwIfAborted(); // the request was cancelled before its work began
    return work(request, () => handler(request.params, extra));
  };
  return {
    on(method, schema, handler) {
      server.removeRequestHandler(method); // the SDK's own handler, if it has one
      handlers.set(method, async (params, extra) => {
        const read = readParams(schema, params, method);
        if (typeof read === "string") throw new ProtocolError(ErrorCode.InvalidParams, read);
        return handler(read, extra);
      });
    },
  };
}

function methodNotFound(method: string, known: readonly string[]): ProtocolError {
  const message = `Method not found: ${quote(method)}. This server has the methods initialize, ping, ${known.join(", ")}.`;
  return new ProtocolError(ErrorCode.MethodNotFound, message);
}
