const two = (number: number): string => String(number).padStart(2, "0");

/** A time for a person, in the time zone of the process: "2026-03-09 14:05". @param seconds unix seconds */
export function humanTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** A time in ISO 8601 and UTC, to the second: "2026-03-09T13:05:00Z". @param seconds unix seconds */
export function exactTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
