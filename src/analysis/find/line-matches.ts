import { excerptOf, shownChars } from "./excerpt.js";
import type { Hit } from "./pattern.js";

/** Characters of the excerpts behind the first one. */
const laterChars = 100;

/** An excerpt of a line around a match. */
export interface MatchExcerpt {
  readonly text: string;
  /** Where the match begins in the content, in bytes, if that is known. */
  readonly offset: number | undefined;
}

/** A part of a line, and where it stands. */
export interface LinePart {
  readonly text: string;
  /** Characters of the line before it. */
  readonly charsBefore: number;
  /** Where it begins in the content, in bytes, if that is known. */
  readonly offset: number | undefined;
  readonly isEnd: boolean;
}

/** Counts the matches of a line that is longer than a page, and keeps excerpts as far as a page has room for them. */
export class LineMatches {
  readonly excerpts: MatchExcerpt[] = [];
  #count = 0;
  #room: number;
  /** Characters of the line up to the end of the last excerpt. */
  #shownTo = 0;

  constructor(chars: number) {
    this.#room = chars;
  }

  get count(): number {
    return this.#count;
  }

  /** A match that an excerpt shows already has none of its own. */
  add({ text, charsBefore, offset, isEnd }: LinePart, hit: Hit): void {
    this.#count += 1;
    const isFirst = this.#count === 1;
    if (this.#room <= 0 || (!isFirst && charsBefore + hit.at < this.#shownTo)) return;
    const width = isFirst ? shownChars : laterChars;
    const excerpt = excerptOf(text, hit, width, { before: charsBefore > 0, after: !isEnd });
    this.#room -= excerpt.text.length;
    this.#shownTo = charsBefore + excerpt.end;
    const before = offset === undefined ? 0 : Buffer.byteLength(text.slice(0, hit.at));
    this.excerpts.push({ text: excerpt.text, offset: offset === undefined ? undefined : offset + before });
  }
}
