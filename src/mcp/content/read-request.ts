import { ArtifactError } from "../../store/model/errors.js";
import type { PageRequest } from "./content-page.js";

/** What a call of read_artifact asks for. */
export type ReadRequest =
  | { readonly mode: "page"; readonly asked: PartRequest }
  | { readonly mode: "lines"; readonly asked: LinesRequest }
  | { readonly mode: "rows"; readonly asked: RowsRequest }
  | { readonly mode: "find"; readonly asked: FindRequest };

export interface PartRequest extends PageRequest {
  /** The call names a part, so it wants bytes whatever they are. */
  readonly isPart: boolean;
}

export interface LinesRequest {
  readonly line?: number | undefined;
  readonly lines?: number | undefined;
}

export interface RowsRequest {
  readonly columns?: readonly string[] | undefined;
  readonly row?: number | undefined;
  readonly rows?: number | undefined;
}

export interface FindRequest {
  readonly find: string;
  readonly regex: boolean;
  readonly context: number;
  readonly line?: number | undefined;
  /** The most matching lines that are shown. */
  readonly lines?: number | undefined;
}

/** The arguments of read_artifact that say which part of the content is wanted. */
export interface ReadArguments extends LinesRequest, RowsRequest {
  readonly offset?: number | undefined;
  readonly length?: number | undefined;
  readonly encoding: PageRequest["encoding"];
  readonly find?: string | undefined;
  readonly regex: boolean;
  readonly context: number;
}

type Mode = ReadRequest["mode"];
type Name = keyof ReadArguments;

/** The arguments of each mode. The first mode that one of its own arguments is given for is the one that is meant. */
const argumentsOf: Readonly<Record<Mode, readonly Name[]>> = {
  find: ["find", "regex", "context", "line", "lines"],
  rows: ["columns", "row", "rows"],
  lines: ["line", "lines"],
  page: ["offset", "length", "encoding"],
};

/**
 * Which way of reading a call asks for.
 *
 * @throws ArtifactError `invalid_argument` if arguments of two ways are given, or one that needs another
 */
export function readRequestOf(args: ReadArguments): ReadRequest {
  const mode = modeOf(args);
  if (mode === "find" && args.find === undefined) {
    const argument = args.regex ? "regex" : "context";
    throw refused(argument, `${argument} goes with find, which is the text or the expression to look for.`);
  }
  const stranger = givenNames(args).find((name) => !argumentsOf[mode].includes(name));
  if (stranger !== undefined) throw apart(stranger, mode, args);
  const { find = "", regex, context, line, lines, columns, row, rows } = args;
  switch (mode) {
    case "find":
      if (lines !== undefined && lines < 0) {
        const message = `lines is ${lines}: with find, it says how many are shown. line ${lines} searches the last ${-lines} lines.`;
        throw refused("lines", message);
      }
      checkCount("line", line, "lines", lines);
      return { mode, asked: { find, regex, context, line, lines } };
    case "rows":
      checkCount("row", row, "rows", rows);
      return { mode, asked: { columns, row, rows } };
    case "lines":
      checkCount("line", line, "lines", lines);
      return { mode, asked: { line, lines } };
    case "page": {
      const { offset = 0, length, encoding } = args;
      return { mode, asked: { offset, length, encoding, isPart: offset > 0 || length !== undefined } };
    }
  }
}

function modeOf({ find, regex, context, columns, row, rows, line, lines }: ReadArguments): Mode {
  if (find !== undefined || regex || context > 0) return "find";
  if (columns !== undefined || row !== undefined || rows !== undefined) return "rows";
  return line !== undefined || lines !== undefined ? "lines" : "page";
}

/** The names of the arguments that ask for something: hosts fill in defaults. Lines are text, so utf8 changes nothing. */
function givenNames(args: ReadArguments): Name[] {
  const { offset, encoding, regex, context, ...others } = args;
  const asked: Partial<ReadArguments> = {
    ...others,
    ...(offset === 0 ? {} : { offset }),
    ...(encoding === "base64" ? { encoding } : {}),
    ...(regex ? { regex } : {}),
    ...(context > 0 ? { context } : {}),
  };
  return (Object.keys(asked) as Name[]).filter((name) => asked[name] !== undefined);
}

function apart(stranger: Name, mode: Mode, args: ReadArguments): ArtifactError {
  const other = givenNames(args).find((name) => argumentsOf[mode].includes(name));
  const message = `${stranger} does not go with ${other}. Those that go together are ${argumentsOf.page.join(", ")}; line, lines; ${argumentsOf.find.join(", ")}; and ${argumentsOf.rows.join(", ")}.`;
  return new ArtifactError("invalid_argument", message, { details: { argument: stranger } });
}

/** @throws ArtifactError `invalid_argument` */
function checkCount(first: "line" | "row", at: number | undefined, many: "lines" | "rows", most: number | undefined) {
  if (at === 0) throw refused(first, `${first} is 0: ${many} count from 1, and from the end with -1.`);
  if (most === 0) throw refused(many, `${many} is 0: give how many ${many} you want, or leave it out.`);
  if (most !== undefined && most < 0 && at !== undefined) {
    throw refused(many, `${many} is negative, which asks for the last ${many}: leave ${first} out.`);
  }
}

function refused(argument: string, message: string): ArtifactError {
  return new ArtifactError("invalid_argument", message, { details: { argument } });
}
