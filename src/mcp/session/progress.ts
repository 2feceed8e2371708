import type { ProgressToken, ServerNotification } from "@modelcontextprotocol/sdk/types.js";
import type { Log } from "../../store/ports/log.js";
import type { ToolCall } from "../calls/tool.js";

/** The least time between two notifications. The last one is always sent. */
const minIntervalMs = 250;

/** Sends the progress of a call to a client that gave a progress token. Without a token it sends nothing. */
export function createProgress(
  progressToken: ProgressToken | undefined,
  send: (notification: ServerNotification) => Promise<void>,
  log: Log,
): ToolCall["progress"] {
  if (progressToken === undefined) return () => undefined;
  let sentAt = Number.NEGATIVE_INFINITY;
  return (progress, total, message) => {
    const now = performance.now();
    if (now - sentAt < minIntervalMs && progress < total) return;
    sentAt = now;
    const params = { progressToken, progress, total, message };
    send({ method: "notifications/progress", params }).catch((error) =>
      log("debug", "notification_lost", { error: String(error) }),
    );
  };
}
