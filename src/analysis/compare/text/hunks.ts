import type { ChangedLines } from "./changed-lines.js";

/** Unchanged lines shown before and after a change. */
export const contextLines = 3;

/** Changes that lie so near that their contexts meet. */
export type Hunk = readonly ChangedLines[];

/** Groups changes to hunks and counts them. Of the hunks only the first ones are kept. */
export class Hunks {
  /** The first ones. Where they are more than can be shown, the last one may lack changes. */
  readonly kept: ChangedLines[][] = [];
  count = 0;
  removed = 0;
  added = 0;
  #room: number;
  #lastEnd = Number.NEGATIVE_INFINITY;

  /** @param lines how many lines can be shown at most */
  constructor(lines: number) {
    this.#room = lines;
  }

  add(change: ChangedLines): void {
    const isNew = change.before - this.#lastEnd > 2 * contextLines;
    this.#lastEnd = change.before + change.removed;
    this.removed += change.removed;
    this.added += change.added;
    if (isNew) this.count++;
    if (this.#room <= 0) return;
    this.#room -= change.removed + change.added;
    const hunk = this.kept.at(-1);
    if (isNew || hunk === undefined) this.kept.push([change]);
    else append(hunk, change);
  }
}

/** Changes without a line between them are one. */
function append(hunk: ChangedLines[], change: ChangedLines): void {
  const last = hunk.at(-1);
  if (last === undefined || last.before + last.removed < change.before) hunk.push(change);
  else {
    hunk[hunk.length - 1] = { ...last, removed: last.removed + change.removed, added: last.added + change.added };
  }
}
