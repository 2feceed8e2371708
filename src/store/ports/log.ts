export type LogLevel = "debug" | "info" | "warn" | "error";

/** Writes one event with its facts; never throws. */
export type Log = (level: LogLevel, event: string, facts?: Readonly<Record<string, unknown>>) => void;
