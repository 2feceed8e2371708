import {
  type LoggingLevel,
  LoggingLevelSchema,
  type ServerNotification,
  SetLevelRequestParamsSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { Log } from "../../store/ports/log.js";
import type { RequestHandlers } from "./request-handlers.js";

/** Sends log messages about tool calls to a client that has set a level. Other clients get none. */
export interface ClientLog {
  /** To be called when a call has ended, before its answer is sent. The message says nothing of internal causes. */
  toolCalled(call: CalledTool, send: (notification: ServerNotification) => Promise<void>): Promise<void>;
}

export interface CalledTool {
  readonly tool: string;
  readonly ms: number;
  readonly isError: boolean;
}

export function createClientLog(requests: RequestHandlers, log: Log): ClientLog {
  let minLevel: LoggingLevel | undefined;
  const rank = (level: LoggingLevel): number => LoggingLevelSchema.options.indexOf(level);
  requests.on("logging/setLevel", SetLevelRequestParamsSchema, async ({ level }) => {
    minLevel = level;
    return {};
  });
  return {
    async toolCalled(call, send) {
      const level = call.isError ? "warning" : "debug";
      if (minLevel === undefined || rank(level) < rank(minLevel)) return;
      const params = { level, logger: "tools", data: { ...call } } as const;
      await send({ method: "notifications/message", params }).catch((error) =>
        log("debug", "notification_lost", { error: String(error) }),
      );
    },
  };
}
