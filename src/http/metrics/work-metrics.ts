import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { EndedSweep } from "../../store/maintenance/sweeper.js";

/** A call of a tool that has ended. */
export interface EndedToolCall {
  /** The name of a tool that exists: clients may call any name. */
  readonly tool: string;
  readonly outcome: "done" | "error" | "cancelled";
  readonly ms: number;
}

export interface WorkMetrics {
  swept(sweep: EndedSweep): void;
  toolCalled(call: EndedToolCall): void;
}

/** Adds the metrics of sweeps and of tools. */
export function addWorkMetrics(registry: Registry): WorkMetrics {
  const swept = addSweepMetrics(registry);
  const registers = [registry];
  const calls = new Counter({
    name: "artifacts_mcp_tool_calls_total",
    help: "Calls of tools over HTTP and stdio, by tool and outcome: done, error or cancelled.",
    labelNames: ["tool", "outcome"],
    registers,
  });
  const durations = new Histogram({
    name: "artifacts_mcp_tool_call_duration_seconds",
    help: "How long calls of tools took, by tool.",
    labelNames: ["tool"],
    buckets: [0.001, 0.01, 0.1, 1, 10],
    registers,
  });
  return {
    swept,
    toolCalled({ tool, outcome, ms }) {
      calls.inc({ tool, outcome });
      durations.observe({ tool }, ms / 1000);
    },
  };
}

function addSweepMetrics(registry: Registry): WorkMetrics["swept"] {
  const registers = [registry];
  const sweeps = new Counter({
    name: "artifacts_mcp_sweeps_total",
    help: "Sweeps of this server, by outcome: done, or failed if a step of it has failed.",
    labelNames: ["outcome"],
    registers,
  });
  const durations = new Histogram({
    name: "artifacts_mcp_sweep_duration_seconds",
    help: "How long sweeps took.",
    buckets: [0.1, 1, 10, 60, 600],
    registers,
  });
  const freed = new Counter({
    name: "artifacts_mcp_sweep_freed_total",
    help: "What sweeps have removed, by kind: artifacts that expired, uploads that expired, files, or rows.",
    labelNames: ["kind"],
    registers,
  });
  const lastSuccess = new Gauge({
    name: "artifacts_mcp_sweep_last_success_timestamp_seconds",
    help: "When a sweep without a failed step ended last, in unix seconds. Absent before the first one.",
    registers,
  });
  lastSuccess.remove(); // otherwise it would be 0, as if the last sweep had been in 1970
  return ({ report, ms }) => {
    const isDone = report?.failed === 0;
    sweeps.inc({ outcome: isDone ? "done" : "failed" });
    durations.observe(ms / 1000);
    if (isDone) lastSuccess.setToCurrentTime();
    if (report === undefined) return;
    freed.inc({ kind: "artifacts" }, report.artifacts);
    freed.inc({ kind: "uploads" }, report.expired);
    freed.inc({ kind: "files" }, report.files);
    freed.inc({ kind: "rows" }, report.rows);
  };
}
