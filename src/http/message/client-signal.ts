import type { Exchange } from "./exchange.js";

/** How often a client that has ended its own side is asked for a sign of life, in ms. */
const probeMs = 250;

/**
 * Does work that only this client waits for. The signal is aborted when the client disconnects, or when the server
 * stops; then its reason is that of `stopping`.
 *
 * A client that closes its connection sends the same as one that only ends its own side and still reads. So it is sent
 * interim answers (102, RFC 2518), which a client ignores: they fail once the connection is closed.
 */
export async function withClientSignal<Result>(
  exchange: Exchange,
  stopping: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { socket } = exchange.request;
  const controller = new AbortController();
  let probes: NodeJS.Timeout | undefined;
  const stop = (): void => controller.abort(stopping.reason);
  const leave = (): void => controller.abort(new Error("the client has disconnected"));
  const probe = (): void => {
    probes ??= setInterval(() => exchange.inform("102 Processing", {}), probeMs);
  };
  stopping.addEventListener("abort", stop);
  socket.once("close", leave);
  socket.once("end", probe);
  if (stopping.aborted) stop();
  if (socket.destroyed) leave();
  if (socket.readableEnded) probe();
  try {
    return await work(controller.signal);
  } finally {
    clearInterval(probes);
    stopping.removeEventListener("abort", stop);
    socket.off("close", leave);
    socket.off("end", probe);
  }
}
