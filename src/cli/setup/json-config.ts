import {
  applyEdits,
  type FormattingOptions,
  findNodeAtLocation,
  modify,
  type ParseError,
  type ParseOptions,
  parse,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { type ConfigFormat, ConfigFormatError, checkedText, type Entry } from "./config-format.js";

/** Plain JSON. */
export const json = jsonFormat({ disallowComments: true, allowTrailingComma: false });
export const jsonWithComments = jsonFormat({ disallowComments: false, allowTrailingComma: false });
/** JSON with comments and trailing commas. */
export const jsonc = jsonFormat({ disallowComments: false, allowTrailingComma: true });

type Fields = Readonly<Record<string, unknown>>;

function jsonFormat(options: ParseOptions): ConfigFormat {
  const parse = (text: string): Fields => parseObject(withoutMark(text), options);
  return {
    entries(text, section) {
      const { [section]: found = {} } = parse(text);
      if (isObject(found) && Object.values(found).every(isObject)) return found as Record<string, Entry>;
      throw new ConfigFormatError(`has other values than objects in ${JSON.stringify(section)}: correct it first`);
    },
    write(text, section, name, entry) {
      const known = fieldOf(this.entries(text, section), name);
      const before = withoutMark(text).trim() === "" ? "{}\n" : withoutMark(text);
      const set = (now: string, [field, value]: [string, unknown]) => edit(now, [section, name, field], value);
      const written =
        known === undefined ? edit(before, [section, name], entry) : Object.entries(entry).reduce(set, before);
      return checkedText(written, { before: text, section, name, entry: { ...known, ...entry } }, parse);
    },
    remove(text, section, name) {
      const entries = this.entries(text, section);
      if (fieldOf(entries, name) === undefined) return text;
      const before = withoutMark(text);
      const isOnly = Object.keys(entries).length === 1;
      const written = isOnly ? cutOut(before, [section, name]) : edit(before, [section, name], undefined);
      return checkedText(written, { before: text, section, name, entry: undefined }, parse);
    },
  };
}

const fieldOf = (fields: Readonly<Record<string, Entry>>, name: string): Entry | undefined =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;

function edit(text: string, path: readonly string[], value: unknown): string {
  return applyEdits(text, modify(text, [...path], value, { formattingOptions: formattingOf(text) }));
}

/** Returns the text without the only property of an object, and without the comma that may follow it. */
function cutOut(text: string, path: readonly string[]): string {
  const root = parseTree(text);
  const property = root && findNodeAtLocation(root, [...path])?.parent;
  if (property === undefined) return text; // `checkedText` refuses it
  const end = property.offset + property.length;
  const comma = /^\s*,/.exec(text.slice(end))?.[0].length ?? 0;
  const start = text.slice(0, property.offset).search(/\s*$/);
  return text.slice(0, start) + text.slice(end + comma);
}

function parseObject(text: string, options: ParseOptions): Fields {
  if (text.trim() === "") return {};
  const errors: ParseError[] = [];
  const root: unknown = parse(text, errors, options);
  const [error] = errors;
  if (error !== undefined) {
    const lines = text.slice(0, error.offset).split("\n");
    const at = `line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
    const what =
      printParseErrorCode(error.error) === "InvalidCommentToken" ? "a comment, which its host refuses" : "an error";
    throw new ConfigFormatError(`is not valid JSON (${what}, at ${at}): correct it first`);
  }
  if (!isObject(root)) throw new ConfigFormatError("is not a JSON object: correct it first");
  return root;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Uses the indentation and the line ends of the file. */
function formattingOf(text: string): FormattingOptions {
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? "  ";
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  return { eol, insertSpaces: !indent.includes("\t"), tabSize: indent.includes("\t") ? 4 : indent.length };
}

/** Hosts refuse a file that begins with a byte order mark, so it is removed. */
const withoutMark = (text: string): string => text.replace(/^\uFEFF/, "");
