/** From the least important one on. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Writes one event with its facts; never throws. */
export type Log = (level: LogLevel, event: string, facts?: Readonly<Record<string, unknown>>) => void;
