import { nearestName } from "../../api/hints/nearest-name.js";
import { quote } from "../../store/model/quote.js";

/**
 * Names that models invent, from the options of grep, head, tail and pandas, and the arguments that they mean. Case, `_`
 * and `-` do not count. An argument that the tool does not have is not suggested.
 */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  line: ["startline", "fromline", "firstline", "start", "linenumber", "linestart", "linefrom"],
  lines: ["limit", "head", "count", "n", "tail", "numlines", "maxlines"],
  row: ["startrow", "fromrow", "firstrow", "skip", "skiprows"],
  rows: ["limit", "head", "count", "n", "tail", "nrows", "numrows", "maxrows"],
  find: ["pattern", "query", "search", "grep", "filter", "where", "text", "contains", "match"],
  query: ["pattern", "find", "search", "grep", "text", "contains", "name"],
  regex: ["caseinsensitive", "ignorecase"],
  context: ["before", "after", "contextlines", "aroundlines"],
  columns: ["fields", "select", "usecols"],
  length: ["size", "bytes", "maxbytes", "maxchars"],
  by: ["id", "on", "index", "keycolumn", "idcolumn", "primarykey"],
  content: ["text", "body", "data"],
  data: ["text", "body", "content", "chunk"],
  key: ["path", "file", "filename", "name"],
  to_key: ["otherkey", "key2", "target", "destination", "newkey"],
  prefix: ["path", "folder", "directory"],
  mime_type: ["contenttype", "mediatype", "type"],
};

/** They give the last line, and not how many. */
const lineEnds = new Set(["endline", "toline", "lastline", "lineend", "lineto"]);

const spelling = (name: string): string => name.toLowerCase().replaceAll(/[^a-z\d]/g, "");

/** A range of lines or rows as text, like "1000-1020", or as a list of two numbers. */
function rangeIn(given: unknown): readonly [number, number] | undefined {
  const text = Array.isArray(given) && given.length === 2 ? given.join("-") : given;
  const [, first, last] =
    (typeof text === "string" && /^\s*(\d{1,15})\s*(?:-|:|,|\.\.|to)\s*(\d{1,15})\s*$/.exec(text)) || [];
  const [from, to] = [Number(first), Number(last)];
  return from >= 1 && to >= from ? [from, to] : undefined;
}

function meantValue(own: readonly string[], name: string, value: unknown): string | undefined {
  const range = rangeIn(value);
  if (range !== undefined) {
    const [one, many] = spelling(name).includes("row") ? ["row", "rows"] : ["line", "lines"];
    if (own.includes(one)) return `"${one}": ${range[0]}, "${many}": ${range[1] - range[0] + 1}`;
  }
  if (name === "by" && Array.isArray(value)) return `one column, as ${quote(String(value[0] ?? "id"))}`;
  return undefined;
}

/**
 * What a caller may have meant by an argument that the tool does not have, or by a value that it does not take.
 *
 * @param own names of the arguments of the tool
 * @param given the arguments of the call
 */
export function meantArgument(own: readonly string[], given: object, name: string, value: unknown): string | undefined {
  const word = spelling(name);
  const meant = meantValue(own, name, value);
  if (meant !== undefined) return meant;
  if (own.includes(name)) return undefined;
  if (word === "tail" && own.includes("lines")) {
    const most = Number(value) > 0 ? Number(value) : 20;
    return `"lines": -${most} for the last ${most} lines, or "rows": -${most} of a table`;
  }
  const free = own.filter((argument) => !Object.hasOwn(given, argument));
  if (otherNames["regex"]?.includes(word) && free.includes("regex")) {
    return '"regex": true, with (?i) at the beginning of find';
  }
  return knownName(word, free) ?? nearestName(name, free);
}

function knownName(word: string, free: readonly string[]): string | undefined {
  if (lineEnds.has(word) && free.includes("lines")) return "line with lines, which says how many";
  const known = free.filter((argument) => otherNames[argument]?.includes(word));
  return known.length > 0 ? known.join(" or ") : undefined;
}
