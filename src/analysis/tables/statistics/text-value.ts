/** How a text reads as a number: as an integer, as another number, or not at all. */
export type NumberForm = "integer" | "number" | undefined;

/**
 * Digits with an optional sign; a point and an exponent make it a number. No other characters, not even spaces. Digits that
 * begin with a needless zero are no number, but a code, as of a place.
 */
export function numberForm(text: string): NumberForm {
  const { length } = text;
  const first = text.charCodeAt(0);
  let at = first === minus || first === plus ? 1 : 0;
  const digits = at;
  if (isZeroPadded(text, digits)) return undefined;
  while (at < length && isDigit(text.charCodeAt(at))) at += 1;
  if (at === length) return at > digits && length <= mostDigits ? "integer" : undefined;
  // 1e999 is no number that can be calculated with.
  return otherNumber.test(text) && Number.isFinite(Number(text)) ? "number" : undefined;
}

/** Whether the text is a number but for a zero before its digits: `00501`, `-01`, `01.5`. */
export function isCode(text: string): boolean {
  return (
    isZeroPadded(text, text.charCodeAt(0) === minus || text.charCodeAt(0) === plus ? 1 : 0) && otherNumber.test(text)
  );
}

function isZeroPadded(text: string, at: number): boolean {
  return text.charCodeAt(at) === zero && isDigit(text.charCodeAt(at + 1));
}

/** A number cannot be calculated with if it has more: 10^308 is the end. */
const mostDigits = 300;
const zero = 0x30;
const minus = 0x2d;
const plus = 0x2b;
const otherNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** Whether the text is true or false, in any case. */
export function isBoolean(text: string): boolean {
  return (text.length === 4 || text.length === 5) && /^(?:true|false)$/i.test(text);
}

/**
 * The time of a text in milliseconds since 1970; NaN if it is none. Times are ISO 8601 dates, `2015-01-31`, alone or
 * with a time of day behind `T` or a space: `14:05`, `14:05:30`, `14:05:30.250`. Without a zone (`Z`, `+01:00`,
 * `+0100`) it is taken as UTC.
 */
export function timeOf(text: string): number {
  if (text.length < 10 || text.length > 40 || text.charCodeAt(4) !== minus || text.charCodeAt(7) !== minus) return NaN;
  const day = dayOf(digitsAt(text, 0, 4), digitsAt(text, 5, 2), digitsAt(text, 8, 2));
  return text.length === 10 ? day : day + timeOfDay(text);
}

/** The number that digits make; NaN if there is something else. */
function digitsAt(text: string, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index += 1) {
    const unit = text.charCodeAt(index);
    if (!isDigit(unit)) return NaN;
    value = value * 10 + unit - 0x30;
  }
  return value;
}

function dayOf(year: number, month: number, day: number): number {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= 31)) return NaN;
  if (day > 28 && day > daysOf(year, month)) return NaN;
  const time = Date.UTC(year, month - 1, day);
  return year < 100 ? new Date(time).setUTCFullYear(year, month - 1, day) : time; // Date.UTC takes 99 as 1999
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

const clock = /^[T ](\d\d):(\d\d)(?::(\d\d)([.,]\d+)?)?(?:Z|([+-])(\d\d):?(\d\d))?$/;

function timeOfDay(text: string): number {
  if (isSimpleClock(text)) return inDay(digitsAt(text, 11, 2), digitsAt(text, 14, 2), digitsAt(text, 17, 2));
  const found = clock.exec(text.slice(10));
  if (found === null) return NaN;
  const [, hours, minutes, seconds = "0", part = "", sign, zoneHours = "0", zoneMinutes = "0"] = found;
  const zone = (sign === "-" ? -1 : 1) * (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  const milliseconds = Math.floor(Number(`0${part.replace(",", ".")}`) * 1000);
  return inDay(Number(hours), Number(minutes), Number(seconds)) + milliseconds - zone;
}

/** Whether the text has the most usual form: seconds, with `Z` or nothing behind them. */
function isSimpleClock(text: string): boolean {
  const isEnd = text.length === 19 || (text.length === 20 && text.charCodeAt(19) === 0x5a);
  const before = text.charCodeAt(10);
  return isEnd && (before === 0x54 || before === 0x20) && text.charCodeAt(13) === 0x3a && text.charCodeAt(16) === 0x3a;
}

function inDay(hours: number, minutes: number, seconds: number): number {
  return hours <= 23 && minutes <= 59 && seconds <= 59 ? ((hours * 60 + minutes) * 60 + seconds) * 1000 : NaN;
}
