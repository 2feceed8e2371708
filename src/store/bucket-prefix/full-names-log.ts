import type { Log } from "../ports/log.js";

/** Facts of events that are names of buckets. */
const bucketFacts: ReadonlySet<string> = new Set(["bucket", "from_bucket", "to_bucket"]);
/** Facts of events that are messages, which may name buckets as clients know them. */
const messageFacts: readonly string[] = ["error", "why"];

/**
 * A log for code that knows buckets without their prefix. The operator reads the names as the store has them. A message
 * stays as it is, and the fact `bucket_prefix` beside it says what the names in it lack.
 */
export function fullNamesLog(log: Log, prefix: string): Log {
  if (prefix === "") return log;
  const full = ([name, value]: [string, unknown]): [string, unknown] =>
    bucketFacts.has(name) && typeof value === "string" ? [name, prefix + value] : [name, value];
  return (level, event, facts) => {
    if (facts === undefined) return log(level, event);
    const isMessage = messageFacts.some((name) => name in facts);
    log(level, event, {
      ...Object.fromEntries(Object.entries(facts).map(full)),
      ...(isMessage ? { bucket_prefix: prefix } : {}),
    });
  };
}
