import { isCode, numberForm, timeOf } from "../statistics/text-value.js";

/** How texts for a value that is missing look: they say nothing of their column. */
const missing = /^(?:n\/?a|nan|null|none|-+|\?|\.)$/i;

type Kind = "empty" | "number" | "time" | "text";

/**
 * Whether the first row of a CSV names the columns. It does if one of these is true:
 *
 * - one of its cells is a text, and what follows in that column are numbers or times
 * - all of its cells are texts, and all different
 * - at least half of its cells are texts, the others are empty, and none comes again in its column
 * - one of its cells is a text, and the others are a series that the next rows do not have: years at equal steps, 0, 1, 2 or
 *   1, 2, 3, or times that rise or fall
 *
 * @param next some rows that follow
 */
export function isHeader(first: readonly string[], next: readonly (readonly string[])[]): boolean {
  const kinds = first.map(kindOf);
  if (!kinds.includes("text")) return false;
  if (kinds.some((kind, column) => kind === "text" && isAboveNumbers(first, next, column))) return true;
  if (kinds.every((kind) => kind === "text" || kind === "empty")) return hasNames(first, next);
  const series = [...kinds.keys()].filter((column) => kinds[column] !== "text" && kinds[column] !== "empty");
  return next.length > 0 && isSeries(first, series) && !next.some((row) => isSeries(row, series));
}

function hasNames(first: readonly string[], next: readonly (readonly string[])[]): boolean {
  const names = first.filter((cell) => cell !== "");
  if (names.length === first.length && new Set(names).size === names.length) return true;
  const comesAgain = next.some((row) => first.some((cell, column) => cell !== "" && row[column] === cell));
  return 2 * names.length >= first.length && !comesAgain;
}

function isAboveNumbers(first: readonly string[], next: readonly (readonly string[])[], column: number): boolean {
  if (missing.test(first[column] ?? "")) return false;
  const below = next.map((row) => kindOf(row[column] ?? "")).filter((kind) => kind !== "empty");
  return below.length > 0 && below.every((kind) => kind !== "text");
}

/** A code as 00501 is a number here: no name looks like that. */
function kindOf(cell: string): Kind {
  if (cell === "") return "empty";
  if (numberForm(cell) !== undefined || isCode(cell)) return "number";
  return Number.isNaN(timeOf(cell)) ? "text" : "time";
}

function isSeries(row: readonly string[], columns: readonly number[]): boolean {
  const cells = columns.map((column) => row[column] ?? "");
  const isOfTimes = cells.every((cell) => kindOf(cell) === "time");
  if (!isOfTimes && !cells.every((cell) => numberForm(cell) === "integer")) return false;
  const values = cells.map(isOfTimes ? timeOf : Number);
  const [start = 0, second = start] = values;
  const steps = values.slice(1).map((value, index) => value - (values[index] ?? 0));
  if (isOfTimes) return steps.length > 0 && steps.every((step) => step > 0 === second > start && step !== 0);
  const isEven = second !== start && steps.every((step) => step === second - start);
  if (values.every((value) => value >= 1900 && value <= 2100)) return isEven;
  return isEven && second - start === 1 && (start === 0 || start === 1) && values.length > 2;
}

/** Names that all differ: `column_2` for an empty one in the second column, and `name_2` for a name that comes again. */
export function namesOf(cells: readonly string[]): string[] {
  const taken = new Set(cells);
  const seen = new Set<string>();
  const numbers = new Map<string, number>();
  return cells.map((cell, index) => {
    const base = cell === "" ? `column_${index + 1}` : cell;
    if (cell === "" ? !taken.has(base) : !seen.has(cell)) {
      seen.add(base);
      taken.add(base);
      return base;
    }
    for (let number = numbers.get(base) ?? 2; ; number += 1) {
      const name = `${base}_${number}`;
      if (taken.has(name)) continue;
      numbers.set(base, number + 1);
      taken.add(name);
      return name;
    }
  });
}
