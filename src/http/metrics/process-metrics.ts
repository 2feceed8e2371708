import { monitorEventLoopDelay } from "node:perf_hooks";
import { Gauge, type Registry } from "prom-client";
import addHeap from "prom-client/lib/metrics/heapSizeAndUsed.js";
import addMemory from "prom-client/lib/metrics/osMemoryHeap.js";
import addCpu from "prom-client/lib/metrics/processCpuTotal.js";
import addMaxDescriptors from "prom-client/lib/metrics/processMaxFileDescriptors.js";
import addOpenDescriptors from "prom-client/lib/metrics/processOpenFileDescriptors.js";
import addStartTime from "prom-client/lib/metrics/processStartTime.js";
import addVersion from "prom-client/lib/metrics/version.js";

/** How often the event loop is looked at, in milliseconds. */
const resolution = 20;
/** Node measures from one look to the next, in nanoseconds. What is longer than `resolution` is the delay. */
const delayOf = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolution / 1000);

/**
 * Adds the metrics of this process, with their usual names. The library's own metrics of the event loop and of the
 * garbage collector would watch the process until it ends, so the event loop is watched here.
 *
 * @returns ends the watching
 */
export function addProcessMetrics(registry: Registry): () => void {
  for (const add of [addCpu, addStartTime, addMemory, addHeap, addOpenDescriptors, addMaxDescriptors, addVersion]) {
    add(registry);
  }
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  // The registry collects in this order, so the first one reads the values of all.
  new Gauge({
    name: "nodejs_eventloop_lag_max_seconds",
    help: "Longest delay of the event loop since the last scrape.",
    registers: [registry],
    collect() {
      mean.set(delay.count === 0 ? 0 : delayOf(delay.mean)); // without a sample, the mean is not a number
      p99.set(delayOf(delay.percentile(99)));
      this.set(delayOf(delay.max));
      delay.reset();
    },
  });
  const mean = gauge("nodejs_eventloop_lag_mean_seconds", "Mean delay of the event loop since the last scrape.");
  const p99 = gauge("nodejs_eventloop_lag_p99_seconds", "99th percentile of the delay since the last scrape.");
  return () => delay.disable();
}
