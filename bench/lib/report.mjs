/**
 * The results of one case.
 *
 * @typedef {object} Table
 * @property {string} title
 * @property {string} about how it was measured, and what is compared
 * @property {"MB/s" | "ms" | "MiB"} unit more MB/s are better; less ms and MiB are better
 * @property {readonly string[]} subjects what is compared, ours first
 * @property {readonly Row[]} rows
 * @property {boolean} [isUncompared] the subjects are not compared with each other
 * @property {boolean} [isGrowth] the subjects are sizes of the same store, the smallest first
 *
 * @typedef {object} Row
 * @property {string} work
 * @property {readonly (number | undefined)[]} values by subject; undefined, NaN or left out if it was not measured
 *
 * A target, and the value that was measured.
 *
 * @typedef {object} Target
 * @property {string} work
 * @property {string} against
 * @property {number} value a ratio, or MiB
 * @property {{ atLeast: number } | { atMost: number }} wanted
 *
 * @typedef {{ tables: Table[], targets: Target[], skipped?: string[] }} Findings
 */

/** Returns how many times as fast as the other one ours is. @param {Table["unit"]} unit @param {number | undefined} ours @param {number | undefined} other */
export function ratio(unit, ours = Number.NaN, other = Number.NaN) {
  return unit === "MB/s" ? ours / other : other / ours;
}

/** @param {number | undefined} value */
function figure(value) {
  if (value === undefined || Number.isNaN(value)) return "";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** @param {readonly string[]} cells */
const line = (cells) => `| ${cells.join(" | ")} |`;

/** Returns the columns that compare the subjects. @param {Table} table @returns {{ head: string, of: (values: Row["values"]) => number }[]} */
function comparisons({ unit, subjects, isGrowth = false, isUncompared = false }) {
  if (isUncompared) return [];
  const [own = "", ...others] = subjects;
  if (isGrowth) {
    const of = (/** @type {Row["values"]} */ values) => ratio(unit, values[0], values.at(-1));
    return [{ head: `${subjects.at(-1)} : ${own}`, of }];
  }
  const ours = own === "artifacts-mcp" ? "ours" : own;
  return others.map((other, n) => ({
    head: `${ours} : ${other.match(/^\(\w\)/)?.[0] ?? other}`,
    of: (values) => ratio(unit, values[0], values[n + 1]),
  }));
}

/** @param {Table} table */
function markdownOf(table) {
  const { title, about, unit, subjects, rows } = table;
  const compared = comparisons(table);
  const heads = [unit, ...subjects, ...compared.map(({ head }) => head)];
  const lines = rows.map(({ work, values }) =>
    line([work, ...subjects.map((_, n) => figure(values[n])), ...compared.map(({ of }) => figure(of(values)))]),
  );
  const rule = line(["---", ...heads.slice(1).map(() => "---:")]);
  return [`### ${title}`, "", about, "", line(heads), rule, ...lines, ""].join("\n");
}

/** @param {readonly Target[]} targets */
function targetsOf(targets) {
  const lines = targets.map(({ work, against, value, wanted }) => {
    const isMet = "atLeast" in wanted ? value >= wanted.atLeast : value <= wanted.atMost;
    const rule = "atLeast" in wanted ? `at least ${wanted.atLeast}` : `at most ${wanted.atMost}`;
    return line([work, against, rule, figure(value), isMet ? "met" : "**missed**"]);
  });
  return [
    line(["work", "against", "target", "measured", ""]),
    line(["---", "---", "---:", "---:", "---"]),
    ...lines,
    "",
  ].join("\n");
}

/** @param {Findings} findings */
export function markdown({ tables, targets, skipped = [] }) {
  const parts = tables.map(markdownOf);
  if (targets.length > 0) parts.push("### Targets", "", targetsOf(targets));
  if (skipped.length > 0) parts.push(...skipped.map((reason) => `Skipped: ${reason}\n`));
  return parts.join("\n");
}
