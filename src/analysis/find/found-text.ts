import type { MatchExcerpt } from "./line-matches.js";

/** A line as it is shown. */
export interface ShownLine {
  readonly line: number;
  /** Cut if it is long. */
  readonly text: string;
  /** If it is cut, and a page has room for all of it. */
  readonly whole?: string;
}

/** A matching line. */
export interface MatchedLine extends ShownLine {
  /** If it is too long for a page: how often it matches, and excerpts around its matches. `text` is the first one. */
  readonly long?: { readonly matches: number; readonly excerpts: readonly MatchExcerpt[] };
}

/** A line of the text: `head` is its number. */
interface Entry {
  readonly shown: MatchedLine;
  readonly isMatch: boolean;
  readonly head: string;
  text: string;
  isWhole: boolean;
}

/**
 * Matching lines with their context, as grep shows them, up to a number of characters. While lines are added, each is cut
 * if it is long. In the end the room that is left is used: lines are shown whole, and those that no page has room for get
 * an excerpt for each match.
 */
export class FoundText {
  readonly #chars: number;
  readonly #context: number;
  readonly #most: number;
  readonly #entries: (Entry | "--")[] = [];
  #length = 0;
  #shown = 0;
  #last = 0;
  /** The last line in the text. */
  #lastLine = 0;
  #isFull = false;

  /** @param most matching lines */
  constructor(chars: number, context: number, most = Number.POSITIVE_INFINITY) {
    this.#chars = chars;
    this.#context = context;
    this.#most = most;
  }

  /** No more matches can be added. */
  get isFull(): boolean {
    return this.#isFull || this.#shown >= this.#most;
  }

  get found() {
    let room = this.#chars + 1 - this.#length; // the last line has no line end
    const entries = this.#entries.filter((entry) => entry !== "--");
    room = showWhole(entries, room);
    const lines = this.#entries.flatMap((entry) => {
      if (entry === "--") return [entry];
      const more = moreExcerpts(entry.shown, room);
      room -= more.reduce((sum, line) => sum + line.length + 1, 0);
      return [`${entry.head}${entry.text}`, ...more];
    });
    const cut = cutOf(entries);
    return { shown: this.#shown, last: this.#last, text: lines.join("\n"), ...(cut && { cut }) };
  }

  /** The last line whose context after a match is still missing; 0 if none is. */
  get contextEnd(): number {
    const end = this.#shown === 0 ? 0 : this.#last + this.#context;
    return this.#isFull || this.#lastLine >= end ? 0 : end;
  }

  /** The first line of the context before a match in this line, without what is shown already. */
  contextStart(line: number): number {
    return Math.max(1, line - this.#context, this.#lastLine + 1);
  }

  /** Adds a match, with the lines before it from `contextStart` on. */
  match(shown: MatchedLine, before: readonly ShownLine[]): void {
    const { line, text } = shown;
    const first = before[0]?.line ?? line;
    const gap = this.#context > 0 && this.#shown > 0 && first > this.#lastLine + 1 ? (["--"] as const) : [];
    const own: Entry = { shown, isMatch: true, head: headOf(shown), text, isWhole: false };
    if (!this.#add([...gap, ...before.map(contextEntry), own]) && !this.#addFirst(own)) {
      this.#isFull = true;
      return;
    }
    this.#shown += 1;
    this.#last = line;
    this.#lastLine = line;
  }

  /** Ends the context of the last match, because a match comes that is not shown. */
  end(): void {
    this.#isFull = true;
  }

  /** Adds the next line of the context after a match. */
  after(shown: ShownLine): void {
    if (this.#isFull) return;
    if (this.#add([contextEntry(shown)])) this.#lastLine = shown.line;
    else this.#isFull = true;
  }

  /** The first match is shown in any case, so that a caller who goes on behind it comes to an end. */
  #addFirst(own: Entry): boolean {
    const text = own.text.slice(0, Math.max(1, this.#chars - own.head.length));
    return this.#shown === 0 && this.#add([{ ...own, text }]);
  }

  #add(entries: readonly (Entry | "--")[]): boolean {
    const length = entries.reduce((sum, entry) => sum + lengthOf(entry) + 1, 0);
    if (this.#length + length > this.#chars + 1) return false;
    this.#entries.push(...entries);
    this.#length += length;
    return true;
  }
}

function contextEntry(shown: ShownLine): Entry {
  return { shown, isMatch: false, head: `${shown.line}-`, text: shown.text, isWhole: false };
}

/** `12:`, or `12@3456:` with the offset of the match in a line that is too long for a page. */
function headOf({ line, long }: MatchedLine, at = 0): string {
  const offset = long?.excerpts[at]?.offset;
  return offset === undefined ? `${line}:` : `${line}@${offset}:`;
}

function lengthOf(entry: Entry | "--"): number {
  return entry === "--" ? entry.length : entry.head.length + entry.text.length;
}

/** Shows as many lines as there is room for as a whole: matches first, short ones first. @returns the room that is left */
function showWhole(entries: readonly Entry[], room: number): number {
  const more = ({ shown: { whole = "" }, text }: Entry): number => whole.length - text.length;
  const longer = entries.filter(({ shown }) => shown.whole !== undefined);
  longer.sort((one, other) => Number(other.isMatch) - Number(one.isMatch) || more(one) - more(other));
  let left = room;
  for (const entry of longer) {
    if (more(entry) > left) continue;
    left -= more(entry);
    entry.text = entry.shown.whole ?? "";
    entry.isWhole = true;
  }
  return left;
}

/** The excerpts behind the first one that there is room for. */
function moreExcerpts(shown: MatchedLine, room: number): string[] {
  const lines: string[] = [];
  let left = room;
  for (const [index, { text }] of (shown.long?.excerpts ?? []).entries()) {
    if (index === 0) continue;
    const line = `${headOf(shown, index)}${text}`;
    left -= line.length + 1;
    if (left < 0) break;
    lines.push(line);
  }
  return lines;
}

/** The matching lines that are cut, and the first of them. */
function cutOf(entries: readonly Entry[]) {
  const cut = entries.filter(
    ({ isMatch, isWhole, shown }) => isMatch && !isWhole && (shown.whole !== undefined || shown.long !== undefined),
  );
  const [first] = cut;
  if (first === undefined) return undefined;
  const { line, long } = first.shown;
  const offset = long?.excerpts[0]?.offset;
  return {
    lines: cut.length,
    line,
    ...(long && { matches: long.matches }),
    ...(offset === undefined ? {} : { offset }),
  };
}
