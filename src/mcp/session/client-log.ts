import {
  type LoggingLevel,
  LoggingLevelSchema,
  type ServerNotification,
  SetLevelRequestParamsSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { Log } from "../../store/ports/log.js";
import type { Requests } from "./requests.js";

/** Tells a client that has asked for it, by setting a level, what its calls came to. Others hear nothing. */
export interface ClientLog {
  /** Behind a call, and before its answer. What went wrong inside is not for the client. */
  toolCalled(call: CalledTool, send: (notification: ServerNotification) => Promise<void>): Promise<void>;
}

export interface CalledTool {
  readonly tool: string;
  readonly ms: number;
  readonly isError: boolean;
}

export function createClientLog(requests: Requests, log: Log): ClientLog {
  let least: LoggingLevel | undefined;
  const rank = (level: LoggingLevel): number => LoggingLevelSchema.options.indexOf(level);
  requests.on("logging/setLevel", SetLevelRequestParamsSchema, async ({ level }) => {
    least = level;
    return {};
  });
  return {
    async toolCalled(call, send) {
      const level = call.isError ? "warning" : "debug";
      if (least === undefined || rank(level) < rank(least)) return;
      const params = { level, logger: "tools", data: { ...call } } as const;
      await send({ method: "notifications/message", params }).catch((error) =>
        log("debug", "notification_lost", { error: String(error) }),
      );
    },
  };
}
