import type { Log } from "../ports/log.js";

/** Facts of events that are names of buckets. */
const bucketFacts: ReadonlySet<string> = new Set(["bucket", "from_bucket", "to_bucket"]);

/** A log for code that knows buckets without their prefix. The operator reads the names as the store has them. */
export function fullNamesLog(log: Log, prefix: string): Log {
  const full = ([name, value]: [string, unknown]): [string, unknown] =>
    bucketFacts.has(name) && typeof value === "string" ? [name, prefix + value] : [name, value];
  return (level, event, facts) => log(level, event, facts && Object.fromEntries(Object.entries(facts).map(full)));
}
