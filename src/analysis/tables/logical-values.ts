/* Values of types that Parquet and Arrow both have. */

/** The number `unscaled / 10 ** scale`; as text if a number cannot hold its digits. */
export function decimalCell(unscaled: bigint, scale: number): number | string {
  const isExact = unscaled >= Number.MIN_SAFE_INTEGER && unscaled <= Number.MAX_SAFE_INTEGER;
  if (isExact && scale >= 0 && scale <= 22) return Number(unscaled) / 10 ** scale; // 10 ** 22 is the last exact one
  if (scale <= 0) return `${unscaled}${"0".repeat(Math.min(-scale, 1000))}`;
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(Math.min(scale, 1000) + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** A number where that is exact. */
export function integer(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Undefined for a time that a Date cannot hold. */
export function timeOf(milliseconds: number): Date | undefined {
  return Math.abs(milliseconds) <= 8.64e15 ? new Date(milliseconds) : undefined;
}

/** A time from a count of units since 1970, of which a second has `10 ** digits`. The count if a Date cannot hold it. */
export function timeOfCount(count: bigint, digits: number): Date | number | bigint {
  const milliseconds = digits <= 3 ? count * 10n ** BigInt(3 - digits) : floorOf(count, 10n ** BigInt(digits - 3));
  return timeOf(Number(milliseconds)) ?? integer(count);
}

/** `12:34:56.789`, from a count of units of which a second has `10 ** digits`. */
export function timeOfDay(count: bigint, digits: number): string {
  const unit = 10n ** BigInt(digits);
  const seconds = floorOf(count, unit);
  const pad = (value: bigint, length: number) => String(value).padStart(length, "0");
  const fraction = pad(count - seconds * unit, digits).replace(/0+$/, "");
  const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map((part) => pad(part, 2)).join(":");
  return fraction === "" ? clock : `${clock}.${fraction}`;
}

function floorOf(value: bigint, by: bigint): bigint {
  return value >= 0n ? value / by : -((by - 1n - value) / by);
}
