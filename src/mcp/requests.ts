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
import { parseArguments } from "../shapes/arguments.js";
import { ArtifactError } from "../store/model/errors.js";
import { work } from "./call-work.js";
import { asHostsMean } from "./host-arguments.js";

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
    if (answer === undefined) throw new McpError(ErrorCode.MethodNotFound, "Method not found");
    extra.signal.throwIfAborted(); // cancelled before it began
    return work(request, () => answer(request.params, extra));
  };
  return {
    on(method, schema, answer) {
      server.removeRequestHandler(method); // the SDK's own, where it has one
      answers.set(method, async (params, extra) => answer(readParams(schema, params, method), extra));
    },
  };
}

/** @throws McpError -32602, which names each parameter that is wrong and what it must be */
function readParams<Params extends z.ZodObject>(schema: Params, params: unknown, method: string): z.output<Params> {
  try {
    return parseArguments(schema, asHostsMean(schema, params), method);
  } catch (error) {
    if (error instanceof ArtifactError) throw new McpError(ErrorCode.InvalidParams, `${method}: ${error.message}`);
    throw error;
  }
}
