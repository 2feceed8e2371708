import { parse, stringify, type TomlTable } from "smol-toml";
import { type ConfigFormat, ConfigFormatError, type Entry } from "./config-format.js";

/**
 * TOML. There is no library that edits it and keeps comments, so tables are cut out and appended as text, and the
 * result is parsed: if it says anything else than it should, nothing is changed.
 */
export const toml: ConfigFormat = {
  entries(text, section) {
    const tables = tableIn(parsed(text), section) ?? {};
    for (const name of Object.keys(tables)) tableIn(tables, name);
    return tables as Record<string, TomlTable>;
  },
  write(text, section, name, entry) {
    const merged = { ...this.entries(text, section)[name], ...entry };
    const eol = text.includes("\r\n") ? "\r\n" : "\n";
    const others = cutOut(text, section, name).trimEnd();
    const gap = others === "" ? "" : eol + eol;
    const table = stringify({ [section]: { [name]: merged } }).trimEnd();
    const written = `${others}${gap}${table.replaceAll("\n", eol)}${eol}`;
    return checked(text, written, section, name, merged);
  },
  remove(text, section, name) {
    if (this.entries(text, section)[name] === undefined) return text;
    return checked(text, cutOut(text, section, name), section, name, undefined);
  },
};

function parsed(text: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    throw new ConfigFormatError(
      `is not valid TOML (${String((error as Error).message).split("\n")[0]}): mend it first`,
    );
  }
}

function tableIn(parent: Entry, key: string): TomlTable | undefined {
  const found = parent[key];
  if (found === undefined) return undefined;
  if (typeof found === "object" && found !== null && !Array.isArray(found)) return found as TomlTable;
  throw new ConfigFormatError(`has no table in ${JSON.stringify(key)}: mend it first`);
}

/** The text without the tables `[section.name]` and below. */
function cutOut(text: string, section: string, name: string): string {
  const kept: string[] = [];
  let isCut = false;
  let quotes: string | undefined;
  for (const line of text.split(/(?<=\n)/)) {
    if (quotes === undefined) {
      const keys = headerOf(line);
      if (keys !== undefined) isCut = keys[0] === section && keys[1] === name;
    }
    quotes = quotesAfter(line, quotes);
    if (!isCut) kept.push(line);
  }
  const rest = kept.join("");
  return rest.trim() === "" ? "" : rest;
}

/** The keys of a table's header, `[mcp_servers.artifacts.env]`. */
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
    return undefined; // a line of an array
  }
}

/** Whether the next line is inside of a string of several lines, and which quotes end it. */
function quotesAfter(line: string, before: string | undefined): string | undefined {
  let quotes = before;
  for (const [found] of line.matchAll(/"""|'''/g)) {
    if (quotes === undefined) quotes = found;
    else if (quotes === found) quotes = undefined;
  }
  return quotes;
}

/** @throws ConfigFormatError if `written` differs from `before` in more than the entry */
function checked(before: string, written: string, section: string, name: string, entry: Entry | undefined): string {
  const wanted = parsed(before);
  const servers = { ...(tableIn(wanted, section) ?? {}) };
  delete servers[name];
  if (entry !== undefined) servers[name] = entry as TomlTable;
  const inFull = (root: TomlTable, tables: TomlTable) => stringify({ ...root, [section]: tables });
  try {
    const found = parse(written);
    if (inFull(found, tableIn(found, section) ?? {}) === inFull(wanted, servers)) return written;
  } catch {
    // It is refused below.
  }
  throw new ConfigFormatError(
    "is written in a way that setup cannot change safely: change it by hand; setup without --write says what to put there",
  );
}
