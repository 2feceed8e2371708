/** A file of prom-client with one group of the usual metrics of a process. It adds them to a registry. */
declare module "prom-client/lib/metrics/*" {
  import type { Registry } from "prom-client";

  const addMetrics: (registry: Registry) => void;
  export = addMetrics;
}
