import { parse, stringify, type TomlTable } from "smol-toml";
import { type ConfigFormat, ConfigFormatError, checkedText, type Entry } from "./config-format.js";

/** TOML. No library edits it and keeps comments, so tables are cut out and put in as text. */
export const toml: ConfigFormat = {
  entries(text, section) {
    const tables = tableIn(parsed(text), section) ?? {};
    for (const name of Object.keys(tables)) tableIn(tables, name);
    return tables as Record<string, TomlTable>;
  },
  write(text, section, name, entry) {
    const entries = this.entries(text, section);
    const merged = { ...(Object.hasOwn(entries, name) ? entries[name] : {}), ...entry };
    const eol = eolOf(text);
    const table = stringify({ [section]: { [name]: merged } }).trimEnd();
    const { before, after } = cutOut(text, section, name);
    const written = joined([before, table.replaceAll("\n", eol), after], eol);
    return checkedText(written, { before: text, section, name, entry: merged }, parsed);
  },
  remove(text, section, name) {
    if (!Object.hasOwn(this.entries(text, section), name)) return text;
    const { before, after } = cutOut(text, section, name);
    const written = joined([before, after], eolOf(text));
    return checkedText(written, { before: text, section, name, entry: undefined }, parsed);
  },
};

const eolOf = (text: string): string => (text.includes("\r\n") ? "\r\n" : "\n");

/** Joins the parts of a file with an empty line between them. */
function joined(parts: readonly string[], eol: string): string {
  const filled = parts.map((part) => part.replace(/^\s*\n|\s+$/g, "")).filter((part) => part !== "");
  return filled.length === 0 ? "" : `${filled.join(eol + eol)}${eol}`;
}

function parsed(text: string): TomlTable {
  try {
    return parse(text, { integersAsBigInt: "asNeeded" });
  } catch (error) {
    const [why] = String((error as Error).message).split("\n");
    throw new ConfigFormatError(`is not valid TOML (${why}): correct it first`);
  }
}

function tableIn(parent: Entry, key: string): TomlTable | undefined {
  const found = Object.hasOwn(parent, key) ? parent[key] : undefined;
  if (found === undefined) return undefined;
  if (typeof found === "object" && found !== null && !Array.isArray(found)) return found as TomlTable;
  throw new ConfigFormatError(`has no table in ${JSON.stringify(key)}: correct it first`);
}

interface Rest {
  /** All text before the first of the tables. */
  readonly before: string;
  /** All text after it, without the tables. */
  readonly after: string;
}

/** Cuts the table `[section.name]` and the tables below it out of a text. If there are none, all text is `before`. */
function cutOut(text: string, section: string, name: string): Rest {
  const parts = tablesOf(text).map(({ keys, lines }) => {
    if (keys[0] !== section || keys[1] !== name) return { isOurs: false, rest: lines };
    // Comments and blank lines at the end of a table belong to the next one.
    const last = lines.findLastIndex((line) => !/^(?:#.*)?$/.test(line.trim()));
    return { isOurs: true, rest: lines.slice(last + 1) };
  });
  const first = parts.findIndex(({ isOurs }) => isOurs);
  const place = first === -1 ? parts.length : first;
  const textOf = (some: typeof parts): string => some.flatMap(({ rest }) => rest).join("");
  return { before: textOf(parts.slice(0, place)), after: textOf(parts.slice(place)) };
}

interface Table {
  /** The keys in its header; empty for the lines before the first header. */
  readonly keys: readonly string[];
  readonly lines: string[];
}

function tablesOf(text: string): Table[] {
  const tables: Table[] = [{ keys: [], lines: [] }];
  let quotes: string | undefined;
  for (const line of text.split(/(?<=\n)/)) {
    const keys = quotes === undefined ? headerOf(line) : undefined;
    if (keys !== undefined) tables.push({ keys, lines: [] });
    tables.at(-1)?.lines.push(line);
    quotes = quotesAfter(line, quotes);
  }
  return tables;
}

/** Returns the keys in the header of a table, like `[mcp_servers.artifacts.env]`. Returns undefined for any other line. */
function headerOf(line: string): string[] | undefined {
  if (!/^\s*\[/.test(line)) return undefined;
  try {
    const keys: string[] = [];
    for (let table: unknown = parse(line.replace(/\[\[(.*)\]\]/, "[$1]")); ; ) {
      const [entry] = Object.entries(table as TomlTable);
      if (entry === undefined) return keys;
      keys.push(entry[0]);
      table = entry[1];
    }
  } catch {
    return undefined; // a line of an array, not a header
  }
}

/** Returns the quotes that end a string of several lines. Returns undefined if the next line is not in such a string. */
function quotesAfter(line: string, before: string | undefined): string | undefined {
  let quotes = before;
  for (const [found] of line.matchAll(/"""|'''/g)) {
    if (quotes === undefined) quotes = found;
    else if (quotes === found) quotes = undefined;
  }
  return quotes;
}
