/** A time in unix seconds as ISO 8601, because models convert unix seconds badly. */
export function isoTime(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().replace(".000Z", "Z");
}
