import { numberForm } from "./text-value.js";

/** Characters of a text that are kept and shown. */
export const shownChars = 100;

/** Compares by code points, as UTF-8 does: JavaScript compares UTF-16, which puts U+FFFD behind U+1F600. */
export function compareTexts(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)];
    if (a !== b) return a >= 0xd800 && b >= 0xd800 ? surrogatesLast(a) - surrogatesLast(b) : a - b;
  }
  return one.length - other.length;
}

function surrogatesLast(unit: number): number {
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** A copy that does not keep the text in memory out of which it was cut. */
export function copyOf(text: string): string {
  return text.length < 13 ? text : ` ${text}`.slice(1); // V8 copies shorter ones
}

/** The first 100 characters. */
export function shownText(text: string): string {
  return text.length <= shownChars ? text : text.slice(0, shownChars);
}

/** The least and the greatest text, in the order of code points: their first 100 characters. */
export class TextExtremes {
  least: string | undefined;
  greatest: string | undefined;

  add(text: string): void {
    if (this.least === undefined || this.greatest === undefined) {
      this.least = this.greatest = shownText(text);
      return;
    }
    const order = compareTexts(text, this.least);
    if (order < 0) this.least = shownText(text);
    else if (order > 0 && compareTexts(text, this.greatest) > 0) this.greatest = shownText(text);
  }

  /** Keeps no text in memory out of which the added ones were cut. */
  settle(): void {
    this.least &&= copyOf(this.least);
    this.greatest &&= copyOf(this.greatest);
  }
}

/** The least and the greatest number, each with what it was made of: a text, or an integer that has more digits. */
export class NumberExtremes {
  least = Number.POSITIVE_INFINITY;
  greatest = Number.NEGATIVE_INFINITY;
  leastSource: string | bigint | undefined;
  greatestSource: string | bigint | undefined;

  add(value: number, source?: string | bigint): void {
    if (value < this.least || (value === this.least && isMore(this.leastSource, source, value))) {
      this.least = value;
      this.leastSource = source;
    }
    if (value > this.greatest || (value === this.greatest && isMore(source, this.greatestSource, value))) {
      this.greatest = value;
      this.greatestSource = source;
    }
  }

  /** Keeps no text in memory out of which the sources were cut. */
  settle(): void {
    if (typeof this.leastSource === "string") this.leastSource = copyOf(this.leastSource);
    if (typeof this.greatestSource === "string") this.greatestSource = copyOf(this.greatestSource);
  }
}

/** Whether the one is more than the other, of two integers that are the same number because it has too few digits. */
function isMore(one: string | bigint | undefined, other: string | bigint | undefined, value: number): boolean {
  if (Number.isSafeInteger(value) || one === undefined || other === undefined) return false;
  return isInteger(one) && isInteger(other) && BigInt(one) > BigInt(other);
}

function isInteger(source: string | bigint): boolean {
  return typeof source === "bigint" || numberForm(source) === "integer";
}
