import type { ColumnDescription, ColumnType } from "../../../store/ports/description.js";
import type { Cell } from "../table.js";
import { NumberExtremes, TextExtremes } from "./extremes.js";
import { Spread } from "./spread.js";
import { isBoolean, isCode, numberForm, timeOf } from "./text-value.js";

/**
 * What texts may stand for. `all`: numbers, truth values and times, where a format has only texts. `times`: times, where
 * it has numbers. `texts`: nothing, where it has types.
 */
export type Interpretation = "all" | "times" | "texts";

/** The facts that a summary knows of its values. */
export type ValueFacts = Pick<ColumnDescription, "type" | "least" | "greatest" | "histogram">;

/** What values have in common, without keeping them. */
export class ValueSummary {
  readonly #interpretation: Interpretation;
  readonly #kinds = new Set<ColumnType>();
  readonly #numbers = new NumberExtremes();
  readonly #times = new NumberExtremes();
  readonly #texts = new TextExtremes();
  /** Of numbers or of times; undefined once there are other values too. */
  #spread: Spread | undefined = new Spread();
  #last: ColumnType | undefined;
  /** There are numbers that begin with a needless zero. Then the other numbers are codes too. */
  #hasCodes = false;

  constructor(interpretation: Interpretation) {
    this.#interpretation = interpretation;
  }

  /** Adds a value that is not empty, so many times. */
  add(value: Exclude<Cell, null>, count = 1): void {
    if (typeof value === "string") this.#addText(value, count);
    else if (typeof value === "number") this.#addNumber(value, Number.isInteger(value) ? "integer" : "number", count);
    else if (typeof value === "bigint") this.#addNumber(Number(value), "integer", count, value);
    else if (typeof value === "boolean") this.#addOther("boolean");
    else if (value instanceof Date) this.#addTime(value.getTime(), value.toISOString(), count);
    else this.#addOther(kindOfObject(value));
    // A mixture of texts and other values has the order of all as texts.
    if (this.#interpretation === "times" && typeof value !== "string" && typeof value !== "object") {
      this.#texts.add(String(value));
    }
  }

  /** Keeps no text in memory out of which values were cut. */
  settle(): void {
    this.#numbers.settle();
    this.#times.settle();
    this.#texts.settle();
  }

  facts(): ValueFacts {
    const type = this.#type();
    const histogram = this.#spread?.histogram();
    return { type, ...this.#extremes(type), ...(histogram && { histogram }) };
  }

  #addText(text: string, count: number): void {
    this.#texts.add(text);
    const form = this.#interpretation === "all" ? numberForm(text) : undefined;
    if (form !== undefined) {
      this.#addNumber(Number(text), form, count, text);
      return;
    }
    if (!this.#hasCodes && this.#interpretation === "all" && isCode(text)) this.#hasCodes = true;
    const time = this.#interpretation === "texts" ? Number.NaN : timeOf(text);
    if (!Number.isNaN(time)) this.#addTime(time, text, count);
    else this.#addOther(this.#interpretation === "all" && isBoolean(text) ? "boolean" : "text");
  }

  #addNumber(value: number, kind: "integer" | "number", count: number, source?: string | bigint): void {
    this.#note(kind);
    if (!Number.isFinite(value)) return;
    this.#numbers.add(value, source);
    this.#spread?.add(value, count);
  }

  #addTime(time: number, text: string, count: number): void {
    this.#note("time");
    this.#times.add(time, text);
    this.#spread?.add(time, count);
  }

  #addOther(kind: ColumnType): void {
    this.#note(kind);
    this.#spread = undefined;
  }

  #note(kind: ColumnType): void {
    if (kind === this.#last) return; // most values are of the kind of the one before
    this.#last = kind;
    this.#kinds.add(kind);
    if (this.#kinds.has("time") && this.#kinds.size > 1) this.#spread = undefined;
  }

  #type(): ColumnType {
    const [first = "empty", ...others] = this.#kinds;
    if (others.length === 0) return first;
    if (this.#hasCodes && [...this.#kinds].every((kind) => codeKinds.has(kind))) return "text";
    return this.#kinds.size === 2 && this.#kinds.has("integer") && this.#kinds.has("number") ? "number" : "mixed";
  }

  #extremes(type: ColumnType): Pick<ValueFacts, "least" | "greatest"> {
    if (type === "integer" || type === "number") {
      const { least, greatest, leastSource, greatestSource } = this.#numbers;
      return pair(shownNumber(least, type, leastSource), shownNumber(greatest, type, greatestSource));
    }
    if (type === "time") return pair(this.#times.leastSource, this.#times.greatestSource);
    const hasOrder =
      type === "text" ||
      (type === "mixed" && !["list", "object", "bytes"].some((kind) => this.#kinds.has(kind as ColumnType)));
    return hasOrder ? pair(this.#texts.least, this.#texts.greatest) : {};
  }
}

const codeKinds: ReadonlySet<ColumnType> = new Set(["integer", "number", "text"]);

function kindOfObject(value: object): "list" | "object" | "bytes" {
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return "bytes";
  return Array.isArray(value) || ArrayBuffer.isView(value) ? "list" : "object";
}

/** Integers that a number does not hold exactly are shown as text. */
function shownNumber(value: number, type: "integer" | "number", source: string | bigint | undefined) {
  if (!Number.isFinite(value)) return undefined;
  const isExact = type === "number" || source === undefined || Number.isSafeInteger(value);
  return isExact ? value : String(BigInt(source));
}

function pair(least: number | string | bigint | undefined, greatest: number | string | bigint | undefined) {
  if (least === undefined || greatest === undefined) return {};
  return { least: plain(least), greatest: plain(greatest) };
}

function plain(value: number | string | bigint): number | string {
  return typeof value === "bigint" ? String(value) : value;
}
