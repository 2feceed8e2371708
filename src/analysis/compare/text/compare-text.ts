import type { CompareAnalysis } from "../../../store/ports/analyses.js";
import type { Comparison, PartialReason } from "../../../store/ports/description.js";
import type { Detected } from "../../formats/detect-format.js";
import type { Run, Source } from "../../source.js";
import { shownChars } from "../shown-chars.js";
import { changedLines } from "./changed-lines.js";
import { contextLines, Hunks } from "./hunks.js";
import { lineEndsIn } from "./line-ends.js";
import { lineHashes } from "./line-hashes.js";
import { LineQueue } from "./line-queue.js";
import { endsOf, storageOf, type Text } from "./text-of.js";
import { unifiedDiff } from "./unified-diff.js";

export interface ComparedText {
  readonly text: NonNullable<Comparison["text"]>;
  /** Both have the same text, but for line ends that are not compared; or the same lines in another order. */
  readonly same?: "text" | "lines";
  /** Most lines of both were removed or added. */
  readonly mostDiffer: boolean;
  readonly partial?: PartialReason;
}

/**
 * Compares two texts line by line. Line ends count, unless all of the one are LF and all of the other are CR LF.
 *
 * @param at where the bytes of the two differ first
 */
export async function compareText(
  before: readonly [Source, Detected],
  after: readonly [Source, Detected],
  at: number,
  { names, chars }: CompareAnalysis,
  run: Run,
): Promise<ComparedText> {
  const texts = await endsOf(before, after, at, contextLines);
  const ends = [await lineEndsIn(texts[0].blocks()), await lineEndsIn(texts[1].blocks())] as const;
  const endsDiffer = ends[0] !== undefined && ends[1] !== undefined && ends[0] !== ends[1];
  const hunks = new Hunks(Math.ceil(chars / 2));
  const { lines, hasSameLines, partial } = await collect(texts, !endsDiffer, hunks, run);
  const mostDiffer = hunks.added + hunks.removed > (lines[0] + lines[1]) / 2;
  const { diff, cut } = await unifiedDiff(
    { text: texts[0], lines: lines[0], name: names[0] },
    { text: texts[1], lines: lines[1], name: names[1] },
    hunks.kept,
    { chars: shownChars(chars, mostDiffer), cutEnds: endsDiffer, run },
  );
  const storages = [storageOf(before[1]), storageOf(after[1])] as const;
  const same = hunks.count === 0 ? "text" : hasSameLines ? "lines" : undefined;
  return {
    mostDiffer,
    ...(same && partial === undefined && { same }),
    text: {
      lines_added: hunks.added,
      lines_removed: hunks.removed,
      hunks: hunks.count,
      diff,
      cut: cut || hunks.count > hunks.kept.length,
      ...(storages[0] !== storages[1] && before[0].bytes > 0 && after[0].bytes > 0 && { encodings: storages }),
      ...(endsDiffer && { line_ends: ends as readonly ["lf" | "crlf", "lf" | "crlf"] }),
    },
    ...(partial && { partial }),
  };
}

interface Collected {
  /** Numbers of the last lines that were read. */
  readonly lines: readonly [number, number];
  /** Both texts have the same lines, in any order. */
  readonly hasSameLines: boolean;
  readonly partial?: PartialReason;
}

async function collect(texts: readonly [Text, Text], exactEnds: boolean, hunks: Hunks, run: Run): Promise<Collected> {
  const [before, after] = texts.map((text) => {
    return new LineQueue(lineHashes(text, exactEnds), text.start.line, run);
  }) as [LineQueue, LineQueue];
  try {
    const changes = changedLines(before, after, run);
    let step = await changes.next();
    for (; step.done !== true; step = await changes.next()) hunks.add(step.value);
    const lines = [before.next - 1, after.next - 1] as const;
    const partial = before.isEnd && after.isEnd ? partialOf(texts, step.value) : timeOver(...lines);
    return { lines, hasSameLines: before.sum.hasSame(after.sum), ...(partial && { partial }) };
  } finally {
    await before.close();
    await after.close();
  }
}

function partialOf(texts: readonly Text[], isLost: boolean): PartialReason | undefined {
  const broken = texts.find((text) => text.broken !== undefined)?.broken;
  if (broken !== undefined) return { reason: "damaged", message: `${broken} What is missing counts as different.` };
  return isLost ? lost : undefined;
}

function timeOver(before: number, after: number): PartialReason {
  const message = `The time limit was reached after line ${before} of the one and line ${after} of the other. More lines may differ.`;
  return { reason: "time", message };
}

const lost: PartialReason = {
  reason: "size",
  message:
    "Whole parts differ. Some lines that count as removed and added may only have moved further than was looked.",
};
