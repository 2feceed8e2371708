const enough = 1_500;
const part = 1 / 5;

/**
 * How many characters of changes are shown.
 *
 * @param chars the most that may be
 * @param mostDiffer most lines or rows differ. More of them would say no more
 */
export function shownChars(chars: number, mostDiffer: boolean): number {
  return mostDiffer ? Math.min(chars, Math.max(enough, Math.ceil(chars * part))) : chars;
}
