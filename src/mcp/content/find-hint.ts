import { quote } from "../../store/model/quote.js";

/** What other languages, or grep, would read as an expression. */
const likeExpression = /\\[dDwWsSbB.|()]|\||[.\])][*+?]|\[[^\]]+\]|^\^|\$$|^\(\?i\)|^\/.+\/[a-z]*$/;

/** What JavaScript reads in another way than it was meant. */
const foreign: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/\[:\w+:\]/, "write \\d, \\w, \\s or [a-z]"],
  [/\\A/, "write ^"],
  [/\\[zZ]/, "write $"],
  [/\\[<>]/, "write \\b"],
  [/\\\|/, "write | between alternatives"],
  [/^\/.+\/[a-z]*$/, "leave the slashes out; (?i) at the beginning ignores case"],
];

/** Why nothing may have been found. @param isRegex whether it was an expression */
export function findHint(find: string, isRegex: boolean): string {
  if (isRegex) return expressionHint(find);
  const [, inside, flags = ""] = /^\/(.+)\/([dgimsuvy]*)$/.exec(find) ?? [];
  if (inside !== undefined) {
    const meant = `${flags.includes("i") ? "(?i)" : ""}${inside}`;
    return `This was searched as plain text, with its slashes: for the expression, set regex true and find ${quote(meant)}.`;
  }
  return likeExpression.test(find)
    ? "This was searched as plain text: for a regular expression, set regex true."
    : "Upper and lower case are different: with regex true, an expression that begins with (?i) ignores it.";
}

function expressionHint(find: string): string {
  for (const [pattern, advice] of foreign) {
    const [strange] = pattern.exec(find) ?? [];
    if (strange !== undefined) return `${strange} does not mean in JavaScript what it does elsewhere: ${advice}.`;
  }
  return "Each line is tried alone, and upper and lower case are different unless the expression begins with (?i).";
}
