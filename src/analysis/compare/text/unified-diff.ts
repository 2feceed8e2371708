import type { Run } from "../../source.js";
import type { ChangedLines } from "./changed-lines.js";
import { cutLine } from "./cut-line.js";
import { contextLines, type Hunk } from "./hunks.js";
import { type LineRange, type ShownLine, shownLines } from "./shown-lines.js";
import type { Text } from "./text-of.js";

export interface UnifiedDiff {
  readonly diff: string;
  readonly cut: boolean;
}

export interface DiffedText {
  readonly text: Text;
  /** Number of its lines. */
  readonly lines: number;
  /** How it is called. */
  readonly name: string;
}

/**
 * The hunks as a unified diff. It ends after the last whole hunk that fits, or after the last line that fits if less than
 * half of the characters would be used.
 *
 * @param cutEnds carriage returns at the ends of lines are not shown
 */
export async function unifiedDiff(
  before: DiffedText,
  after: DiffedText,
  hunks: readonly Hunk[],
  { chars, cutEnds, run }: { readonly chars: number; readonly cutEnds: boolean; readonly run: Run },
): Promise<UnifiedDiff> {
  const [first] = hunks;
  if (first === undefined) return { diff: "", cut: false };
  const most = Math.ceil(chars / 2); // a line has at least its sign and its end
  const spans = hunks.map((hunk) => spanOf(hunk, before.lines));
  const removed = spans.map(({ from, to }) => ({ from, to: Math.min(to, from + most) }));
  const left = await shownLines(before.text, removed, run);
  const added = hunks.flatMap((hunk) => addedRanges(hunk, most));
  const right = await shownLines(after.text, added, run);
  const show = (line: ShownLine | undefined) => (cutEnds ? withoutEnd(line) : line);
  let diff = `--- ${oneLine(before.name)}\n+++ ${oneLine(after.name)}\n`;
  for (const [at, hunk] of hunks.entries()) {
    const lines = linesOf(hunk, spans[at] as LineRange, {
      before: (number) => show(left.get(number)),
      after: (number) => show(right.get(number)),
    });
    const shown = shownHunk(hunk, spans[at] as LineRange, lines, chars - diff.length);
    if (!shown.cut || hunk === first || diff.length < chars / 2) diff += shown.text;
    if (shown.cut) return { diff, cut: true };
  }
  return { diff, cut: false };
}

/** A hunk, or as many of its lines as fit. Its head names the lines that it shows, so that it can be applied. */
function shownHunk(
  hunk: Hunk,
  { from }: LineRange,
  lines: Iterable<string | undefined>,
  chars: number,
): { readonly text: string; readonly cut: boolean } {
  const [{ before, after }] = hunk as readonly [ChangedLines];
  const head = (left: number, right: number) => `@@ -${range(from, left)} +${range(from + after - before, right)} @@\n`;
  let [left, right] = [0, 0];
  let text = "";
  let body = "";
  for (const line of lines) {
    if (line === undefined) return { text, cut: true }; // the time limit was reached
    if (!line.startsWith("+")) left++;
    if (!line.startsWith("-")) right++;
    body += line;
    const longer = head(left, right) + body;
    if (longer.length > chars) return { text, cut: true };
    text = longer;
  }
  return { text, cut: false };
}

/** The lines before that a hunk shows or removes. */
function spanOf(hunk: Hunk, lines: number): LineRange {
  const first = hunk[0] as ChangedLines;
  const last = hunk.at(-1) as ChangedLines;
  return {
    from: Math.max(1, first.before - contextLines),
    to: Math.min(lines + 1, last.before + last.removed + contextLines),
  };
}

function addedRanges(hunk: Hunk, most: number): LineRange[] {
  return hunk.map(({ after, added }) => ({ from: after, to: after + Math.min(added, most) }));
}

/** As GNU diff writes it: a range without lines is named by the line before it. */
function range(from: number, lines: number): string {
  if (lines === 1) return `${from}`;
  return `${lines === 0 ? from - 1 : from},${lines}`;
}

interface LinesByNumber {
  before(number: number): ShownLine | undefined;
  after(number: number): ShownLine | undefined;
}

function* linesOf(
  hunk: Hunk,
  span: LineRange,
  { before, after }: LinesByNumber,
): Generator<string | undefined, void, undefined> {
  let next = span.from;
  for (const { before: at, removed, after: other, added } of hunk) {
    for (; next < at; next++) yield lineOf(" ", before(next));
    const pairs = Math.min(removed, added);
    for (let index = 0; index < removed; index++) {
      yield lineOf("-", before(at + index), index < pairs ? after(other + index) : undefined);
    }
    for (let index = 0; index < added; index++) {
      yield lineOf("+", after(other + index), index < pairs ? before(at + index) : undefined);
    }
    next = at + removed;
  }
  for (; next < span.to; next++) yield lineOf(" ", before(next));
}

function lineOf(sign: string, line: ShownLine | undefined, other?: ShownLine): string | undefined {
  if (line === undefined) return undefined;
  return `${sign}${cutLine(line, other)}\n${line.hasLineEnd ? "" : "\\ No newline at end of file\n"}`;
}

function withoutEnd(line: ShownLine | undefined): ShownLine | undefined {
  return line?.text.endsWith("\r") ? { ...line, text: line.text.slice(0, -1) } : line;
}

/** Keys may have any characters. */
function oneLine(name: string): string {
  return name.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ");
}
