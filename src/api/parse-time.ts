import { ArtifactError } from "../store/model/errors.js";
import { quote } from "../store/model/quote.js";

/** A date, or a date and a time, in ISO 8601. A time without a zone is UTC. */
const iso = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2})?(?:[.,]\d{1,9})?([Zz]|[+-]\d{2}:?\d{2})?)?$/;
/** Above it a number is one of milliseconds. */
const largestSeconds = 99_999_999_999;

/**
 * Returns a time in unix seconds. It may be given in ISO 8601, like `2026-03-01` or `2026-03-01T08:30:00Z`, or in unix
 * seconds, also as text. Fractions of a second are dropped.
 *
 * @param argument its name, for the error
 * @param edge which second of a day is meant, if only a day is given
 * @throws ArtifactError `invalid_argument`
 */
export function parseTime(value: string | number, argument: string, edge: "first" | "last" = "first"): number {
  const text = String(value).trim();
  const seconds = /^\d+$/.test(text) && !isYear(text) ? Number(text) : secondsOf(text, edge);
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= largestSeconds) return seconds;
  const message = `${argument} must be a time like 2026-03-01 or 2026-03-01T08:30:00Z, or unix seconds, not ${quote(text)}. Today is ${new Date().toISOString().slice(0, 10)} (UTC).`;
  throw new ArtifactError("invalid_argument", message, { details: { argument } });
}

/** A year alone is no time, and is surely not meant as seconds. */
const isYear = (text: string): boolean => /^(?:19|20)\d{2}$/.test(text);

/** Returns NaN for a text that is no time. */
function secondsOf(text: string, edge: "first" | "last"): number {
  const whole = edge === "first" ? ["00:00", ":00"] : ["23:59", ":59"];
  const [, date, time = whole[0], seconds = whole[1], zone = "Z"] = iso.exec(text) ?? [];
  if (date === undefined) return Number.NaN;
  const ms = Date.parse(`${date}T${time}${seconds}${zone.toUpperCase()}`);
  if (Number.isNaN(ms)) return ms;
  // `Date` takes 30 February for 2 March.
  const isInMonth = new Date(`${date}T00:00Z`).toISOString().startsWith(date);
  return isInMonth ? Math.floor(ms / 1000) : Number.NaN;
}
