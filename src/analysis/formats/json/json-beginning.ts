import { type JsonListener, JsonScanner } from "./json-scanner.js";

/** Whether the text begins as an object or an array, and has no mistake; or is named JSON, and begins as any value. */
export function looksLikeJson(text: string, isNamed: boolean): boolean {
  const beginning = text.trimStart();
  if (isNamed) return /^(?:[[{"\-\d]|true|false|null)/.test(beginning);
  return /^[[{]/.test(beginning) && new JsonScanner(nobody).write(Buffer.from(text));
}

const nobody: JsonListener = {
  wantsNames: () => false,
  name: () => undefined,
  begin: () => undefined,
  end: () => undefined,
};

/** Lines longer than what is looked at cannot be parsed. */
interface Beginning {
  /** The content has nothing after the text. */
  readonly isWhole: boolean;
  /** The name says that it is JSON Lines. */
  readonly isNamed: boolean;
}

/** Whether each of two or more lines is an object; or the first one any value, if the name says so. */
export function looksLikeJsonLines(text: string, { isWhole, isNamed }: Beginning): boolean {
  const lines = text.split(/\r?\n/);
  if (!isWhole) lines.pop(); // it may be cut
  const full = lines.filter((line) => line.trim() !== "").slice(0, 100);
  if (full.length === 0) return isNamed && /^\s*[[{]/.test(text);
  if (isNamed) return parsed(full[0] ?? "") !== undefined;
  return full.length >= 2 && full.every((line) => isObject(parsed(line)));
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined if the line is no JSON. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
