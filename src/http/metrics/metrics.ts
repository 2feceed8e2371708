import { Gauge, Registry } from "prom-client";
import type { Log } from "../../store/ports/log.js";
import type { Store } from "../../store/store.js";
import { addProcessMetrics } from "./process-metrics.js";
import { addRequestMetrics, type RequestMetrics } from "./request-metrics.js";
import { addStoreMetrics } from "./store-metrics.js";
import { addWorkMetrics, type WorkMetrics } from "./work-metrics.js";

/** What one server counts and measures, for Prometheus. Another server in the same process has its own. */
export interface Metrics extends RequestMetrics, WorkMetrics {
  /** Measures the store too, from now on. Must be called once. */
  watchStore(store: Pick<Store, "size">, log: Log): void;
  /** The metrics now, in the text format of Prometheus, and its media type. */
  read(): Promise<{ readonly text: string; readonly mediaType: string }>;
  /** Ends the watching of the process. */
  close(): void;
}

/** @param version of this program */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const info = new Gauge({
    name: "artifacts_mcp_build_info",
    help: "Always 1; the label has the version of artifacts-mcp.",
    labelNames: ["version"],
    registers: [registry],
  });
  info.set({ version }, 1);
  const close = addProcessMetrics(registry);
  return {
    ...addRequestMetrics(registry),
    ...addWorkMetrics(registry),
    watchStore: (store, log) => addStoreMetrics(registry, store, log),
    read: async () => ({ text: await registry.metrics(), mediaType: registry.contentType }),
    close,
  };
}
