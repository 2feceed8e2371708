/** How answers are sent: as events of a stream, or as one JSON body. */
export type AnswerForm = "events" | "json";

/**
 * Returns what a client accepts according to its `Accept` header: an event stream if the header names one and prefers
 * JSON no more, otherwise JSON. Returns undefined if the client accepts neither.
 */
export function answerForm(accept: string | undefined): AnswerForm | undefined {
  if (accept === undefined || accept.trim() === "") return "json";
  const qualities = qualitiesOf(accept);
  const best = (...ranges: readonly string[]): number => {
    const named = ranges.find((range) => qualities.has(range));
    return named === undefined ? 0 : (qualities.get(named) ?? 0);
  };
  const events = best("text/event-stream", "text/*");
  const json = best("application/json", "application/*", "*/*");
  if (events > 0 && events >= json) return "events";
  return json > 0 ? "json" : undefined;
}

/** RFC 9110, section 12.5.1: the weight of each media range, 1 if it has none. */
function qualitiesOf(accept: string): Map<string, number> {
  const ranges = accept.split(",").map((range) => {
    const [name = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    return [name, Number.isFinite(quality) ? quality : 1] as const;
  });
  return new Map(ranges);
}

export function isJson(contentType: string | undefined): boolean {
  return /^\s*application\/json\s*(;|$)/i.test(contentType ?? "");
}
