import type { ProgressToken, ServerNotification } from "@modelcontextprotocol/sdk/types.js";
import type { Log } from "../../store/ports/log.js";
import type { ToolCall } from "../calls/tool.js";

/** At most one notification in this time, and the last one always. */
const quietMs = 250;

/** Tells a client that gave a token how far its call is; without one, nobody. */
export function createProgress(
  progressToken: ProgressToken | undefined,
  send: (notification: ServerNotification) => Promise<void>,
  log: Log,
): ToolCall["progress"] {
  if (progressToken === undefined) return () => undefined;
  let toldAt = Number.NEGATIVE_INFINITY;
  return (progress, total, message) => {
    const now = performance.now();
    if (now - toldAt < quietMs && progress < total) return;
    toldAt = now;
    const params = { progressToken, progress, total, message };
    send({ method: "notifications/progress", params }).catch((error) =>
      log("debug", "notification_lost", { error: String(error) }),
    );
  };
}
