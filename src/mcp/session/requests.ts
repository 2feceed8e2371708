import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  ErrorCode,
  McpError,
  type Result,
  type ServerNotification,
  type ServerRequest,
} from "@modelcontextprotocol/sdk/types.js";
import type { z } from "zod";
import { quote } from "../../store/model/quote.js";
import { work } from "../flow/call-work.js";
import { readParams } from "../flow/request-params.js";

/** One request, beside its parameters. */
export type RequestExtra = RequestHandlerExtra<ServerRequest, ServerNotification>;
type Answer = (params: unknown, extra: RequestExtra) => Promise<Result>;

/** What a server answers beside the SDK's own requests, by method. */
export interface Requests {
  on<Params extends z.ZodObject>(
    method: string,
    params: Params,
    answer: (params: z.output<Params>, extra: RequestExtra) => Promise<Result>,
  ): void;
}

/**
 * The SDK's own registration would answer parameters that break their schema with -32603 and zod's JSON, and check each
 * call of a tool three times.
 */
export function createRequests(server: Server): Requests {
  const answers = new Map<string, Answer>();
  server.fallbackRequestHandler = async (request, extra) => {
    const answer = answers.get(request.method);
    if (answer === undefined) throw new McpError(ErrorCode.MethodNotFound, methodNotFound(request.method, answers));
    extra.signal.throwIfAborted(); // cancelled before it began
    return work(request, () => answer(request.params, extra));
  };
  return {
    on(method, schema, answer) {
      server.removeRequestHandler(method); // the SDK's own, where it has one
      answers.set(method, async (params, extra) => {
        const read = readParams(schema, params, method);
        if (typeof read === "string") throw new McpError(ErrorCode.InvalidParams, read);
        return answer(read, extra);
      });
    },
  };
}

function methodNotFound(method: string, known: ReadonlyMap<string, unknown>): string {
  return `Method not found: ${quote(method)}. There are initialize, ping, ${[...known.keys()].join(", ")}.`;
}
