import type { ColumnDescription } from "../../../store/ports/description.js";
import type { Cell, Column } from "../table.js";
import { copyOf, shownText } from "./extremes.js";
import { ValueOrder } from "./value-order.js";
import { type Interpretation, type ValueFacts, ValueSummary } from "./value-summary.js";

/** Different values that are counted. */
const countedValues = 1_000;
/** Of these, the most frequent ones are shown. */
const shownValues = 20;

/** Longer names of columns are cut. */
const nameChars = 200;

/** A value that can be counted: times are in milliseconds. */
type Countable = string | number | bigint | boolean;
type Counts = Map<Countable, { count: number }>;

/**
 * Collects what a description tells of a column. Its type is that of all values that are not empty; integers among other
 * numbers are numbers, and any other mixture is `mixed`, even if one value of a million differs. Only absent values, null
 * and the empty text are empty: `NA` and `null` in a CSV are texts. Numbers among which one has a needless zero before
 * its digits, as in `00501`, are texts.
 *
 * `least` and `greatest` are in the order of numbers or of times, else of code points. A mixture that has lists, objects
 * or bytes has no order, and no values that are counted.
 *
 * Values are different if their texts are: `1` and `1.0` in a CSV. Up to 1,000 different values are
 * kept with their counts, and then all facts come from these. After that, values are summed up one by one, and the number of
 * different ones is known only if each is more than the one before, or each is less, as numbers or as texts.
 */
export class ColumnStatistics {
  readonly #column: Column;
  readonly #interpretation: Interpretation;
  #room: number;
  #empties = 0;
  #counts: Counts | undefined = new Map();
  #hasTimes = false;
  #distinct: number | undefined;
  #summary: ValueSummary | undefined;
  /** Of the values that are not empty, once they are summed up. */
  #order: ValueOrder | undefined;

  /**
   * @param interpretation what its texts may stand for, if the format says no type
   * @param room characters of different values that are kept. With longer ones fewer than 1,000 are counted
   */
  constructor(column: Column, interpretation: Interpretation, room: number) {
    this.#column = column;
    this.#interpretation = column.type === undefined ? interpretation : "texts";
    this.#room = room;
  }

  add(cell: Cell): void {
    if (cell === "" || cell === null || cell === undefined) this.#empties += 1;
    else if (this.#counts === undefined) {
      this.#summary?.add(cell);
      this.#order?.add(cell);
    } else if (typeof cell !== "object") this.#count(this.#counts, cell);
    else if (cell instanceof Date) this.#countTime(this.#counts, cell);
    else {
      this.#sumUp(this.#counts).add(cell);
      this.#distinct = undefined;
    }
  }

  /** Keeps no text in memory out of which cells were cut. To be called now and then: copying each cell would take time. */
  settle(): void {
    this.#summary?.settle();
    this.#order?.settle();
  }

  /**
   * The facts.
   *
   * @param isWhole all values were added; otherwise facts that the format tells come first
   */
  describe(isWhole: boolean): ColumnDescription {
    const { name, type, empties, least, greatest } = this.#column;
    const found = this.#facts();
    const told = { ...(least !== undefined && { least }), ...(greatest !== undefined && { greatest }) };
    return {
      name: name.length > nameChars ? `${name.slice(0, nameChars)}…` : name,
      ...(isWhole ? { ...told, ...found } : { ...found, ...told }),
      type: type ?? found.type,
      empties: isWhole ? this.#empties : (empties ?? this.#empties),
      ...this.#distinctFacts(isWhole),
    };
  }

  #facts(): ValueFacts {
    return (this.#summary ?? this.#summaryOf(this.#counts ?? new Map())).facts();
  }

  #distinctFacts(isWhole: boolean): Pick<ColumnDescription, "distinct" | "distinct_exact" | "values"> {
    if (this.#counts === undefined) {
      if (this.#distinct === undefined) return {};
      const different = this.#order?.isStrict === true ? this.#order.values : undefined;
      if (different === undefined) return { distinct: this.#distinct };
      return { distinct: different, ...(isWhole && { distinct_exact: true }) };
    }
    const counts = [...this.#counts].sort(([, one], [, other]) => other.count - one.count).slice(0, shownValues);
    const values = counts.map(([value, { count }]) => ({ value: this.#shown(value), count }));
    return {
      distinct: this.#counts.size,
      ...(isWhole && { distinct_exact: true }),
      ...(values.length > 0 && { values }),
    };
  }

  #shown(value: Countable): string {
    return this.#hasTimes && typeof value === "number" ? new Date(value).toISOString() : shownText(String(value));
  }

  #countTime(counts: Counts, time: Date): void {
    if (Number.isNaN(time.getTime())) {
      this.#empties += 1; // it is out of range, and nothing can be said of it
      return;
    }
    this.#hasTimes = true;
    this.#count(counts, time.getTime());
  }

  #count(counts: Counts, value: Countable): void {
    const known = counts.get(value);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    if (typeof value === "string") this.#room -= value.length;
    if (counts.size < countedValues && this.#room >= 0) {
      counts.set(typeof value === "string" ? copyOf(value) : value, { count: 1 });
      return;
    }
    this.#distinct = counts.size;
    this.#order = orderOf(counts);
    this.#order?.add(value);
    this.#sumUp(counts).add(this.#plain(value));
  }

  /** Goes over to a summary. */
  #sumUp(counts: Counts): ValueSummary {
    this.#summary = this.#summaryOf(counts);
    this.#counts = undefined;
    return this.#summary;
  }

  #summaryOf(counts: Counts): ValueSummary {
    const summary = new ValueSummary(this.#interpretation);
    for (const [value, { count }] of counts) summary.add(this.#plain(value), count);
    return summary;
  }

  #plain(value: Countable): Exclude<Cell, null> {
    return this.#hasTimes && typeof value === "number" ? new Date(value) : value;
  }
}

/** The order of values of which each was added once; undefined if one came again. The map has them as they came. */
function orderOf(counts: Counts): ValueOrder | undefined {
  const order = new ValueOrder();
  for (const [value, { count }] of counts) {
    order.add(value);
    if (count > 1 || !order.isStrict) return undefined;
  }
  return order;
}
