import type { Socket } from "node:net";
import { Counter, Histogram, type Registry } from "prom-client";

/** A request that was answered, or given up. Each text is one of a few, so that clients cannot make more series. */
export interface EndedRequest {
  /** The path of the route, with its parameters as `{name}`; undefined if there is no such route. */
  readonly route: string | undefined;
  /** The method of the route. */
  readonly method: string | undefined;
  /** The status; undefined if the client has left before it was sent. */
  readonly status: number | undefined;
  readonly seconds: number;
}

export interface RequestMetrics {
  ended(request: EndedRequest): void;
  /** Must be called for every new connection. */
  connected(socket: Socket): void;
}

/** From a millisecond, as an answer from memory takes, to a minute, as a large upload may take. */
const seconds = [0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10, 60];

/** Adds the metrics of HTTP: requests, how long they took, and the bytes of all connections. */
export function addRequestMetrics(registry: Registry): RequestMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: "artifacts_mcp_http_requests_total",
    help: "Requests, by route, method and status. The status is none if the client left first.",
    labelNames: ["route", "method", "code"],
    registers,
  });
  const durations = new Histogram({
    name: "artifacts_mcp_http_request_duration_seconds",
    help: "How long requests took, by route and method.",
    labelNames: ["route", "method"],
    buckets: seconds,
    registers,
  });
  const open = new Set<Socket>();
  const ofClosed = { bytesRead: 0, bytesWritten: 0 };

  function countBytes(name: string, help: string, direction: keyof typeof ofClosed): void {
    new Counter({
      name,
      help,
      registers,
      collect() {
        let bytes = ofClosed[direction];
        for (const socket of open) bytes += socket[direction];
        this.reset();
        this.inc(bytes);
      },
    });
  }
  countBytes("artifacts_mcp_http_received_bytes_total", "Bytes received on all connections.", "bytesRead");
  countBytes("artifacts_mcp_http_sent_bytes_total", "Bytes sent on all connections.", "bytesWritten");

  return {
    ended({ route = "none", method = "other", status, seconds }) {
      requests.inc({ route, method, code: status === undefined ? "none" : String(status) });
      durations.observe({ route, method }, seconds);
    },
    connected(socket) {
      open.add(socket);
      socket.once("close", () => {
        open.delete(socket);
        ofClosed.bytesRead += socket.bytesRead;
        ofClosed.bytesWritten += socket.bytesWritten;
      });
    },
  };
}
