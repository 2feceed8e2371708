import { ArtifactError } from "../store/model/errors.js";
import { quote } from "../store/model/quote.js";

const dayPattern = /^\d{4}-\d\d-\d\d$/;
const timePattern = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?$/i;
const daySeconds = 24 * 60 * 60;

/**
 * Reads a time as a caller gives it: a day or a time as ISO 8601, in UTC unless it names its zone, or unix seconds.
 *
 * @param edge which second of a day counts
 * @returns unix seconds; undefined if none is given
 * @throws ArtifactError `invalid_argument`
 */
export function parseTime(text: string | undefined, argument: string, edge: "first" | "last"): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  const seconds = dayPattern.test(text)
    ? Date.parse(text) / 1000 + (edge === "first" ? 0 : daySeconds - 1)
    : secondsOf(timePattern.exec(text));
  if (Number.isFinite(seconds) && seconds >= 0) return Math.floor(seconds);
  throw new ArtifactError(
    "invalid_argument",
    `${argument} is ${quote(text)}, and must be a day like 2026-03-01, a time like 2026-03-01T09:30Z, or unix seconds.`,
    { details: { argument } },
  );
}

function secondsOf(found: RegExpExecArray | null): number {
  const [, day, time, zone = "Z"] = found ?? [];
  return Date.parse(`${day}T${time}${zone}`) / 1000;
}
