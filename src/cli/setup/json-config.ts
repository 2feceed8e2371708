import {
  applyEdits,
  type FormattingOptions,
  modify,
  type ParseError,
  type ParseOptions,
  parse,
  printParseErrorCode,
} from "jsonc-parser";
import { type ConfigFormat, ConfigFormatError, type Entry } from "./config-format.js";

/** Plain JSON. */
export const json = jsonFormat({ disallowComments: true, allowTrailingComma: false });
export const jsonWithComments = jsonFormat({ disallowComments: false, allowTrailingComma: false });
/** JSON with comments and trailing commas. */
export const jsonc = jsonFormat({ disallowComments: false, allowTrailingComma: true });

type Fields = Readonly<Record<string, unknown>>;

function jsonFormat(dialect: ParseOptions): ConfigFormat {
  function edit(text: string, path: readonly string[], value: unknown): string {
    return applyEdits(text, modify(text, [...path], value, { formattingOptions: formattingOf(text) }));
  }
  return {
    entries(text, section) {
      const found = parseObject(withoutMark(text), dialect)[section] ?? {};
      if (isObject(found) && Object.values(found).every(isObject)) return found as Record<string, Entry>;
      throw new ConfigFormatError(`has something else than objects in ${JSON.stringify(section)}: mend it first`);
    },
    write(text, section, name, entry) {
      const isNew = this.entries(text, section)[name] === undefined;
      const before = withoutMark(text).trim() === "" ? "{}\n" : withoutMark(text);
      if (isNew) return edit(before, [section, name], entry);
      const set = (now: string, [field, value]: [string, unknown]) => edit(now, [section, name, field], value);
      return Object.entries(entry).reduce(set, before);
    },
    remove(text, section, name) {
      if (this.entries(text, section)[name] === undefined) return text;
      return edit(withoutMark(text), [section, name], undefined);
    },
  };
}

function parseObject(text: string, dialect: ParseOptions): Fields {
  if (text.trim() === "") return {};
  const errors: ParseError[] = [];
  const root: unknown = parse(text, errors, dialect);
  const [error] = errors;
  if (error !== undefined) {
    const lines = text.slice(0, error.offset).split("\n");
    const at = `line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
    const what =
      printParseErrorCode(error.error) === "InvalidCommentToken" ? "a comment, which its host refuses" : "an error";
    throw new ConfigFormatError(`is not valid JSON (${what}, at ${at}): mend it first`);
  }
  if (!isObject(root)) throw new ConfigFormatError("is not a JSON object: mend it first");
  return root;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Indentation and line ends as the file has them. */
function formattingOf(text: string): FormattingOptions {
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? "  ";
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  return { eol, insertSpaces: !indent.includes("\t"), tabSize: indent.includes("\t") ? 4 : indent.length };
}

/** Hosts refuse a file that begins with a byte order mark, so none is written. */
const withoutMark = (text: string): string => text.replace(/^\uFEFF/, "");
