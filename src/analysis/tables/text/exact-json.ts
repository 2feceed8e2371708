import { type JSONParserOptions, Tokenizer, TokenParser, TokenType } from "@streamparser/json";

/** A number that a JavaScript number may not hold. It may be inside of a text. */
const mayBeInexact = /(?:^|[:,[\s])-?(?:\d{16}|\d{1,15}(?:\.\d*)?[eE]\+?\d{3})/;
/** `numberForm` takes no more either. */
const mostDigits = 300;

/**
 * Parses as JSON.parse does, but numbers stay as they are: an integer beyond 2^53 becomes a bigint, and a number beyond
 * 10^308 stays a text. Lists and objects inside of the value hold only what JSON has, so there such an integer is a text.
 *
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  if (!mayBeInexact.test(text)) return JSON.parse(text); // it is several times as fast
  JSON.parse(text); // and checks more. Its value is not kept: two may need too much memory
  return parseValid(text);
}

/** One parser for all: a new one for each row takes more time than the row. Only valid JSON may come to it. */
let parser: ExactParser | undefined;

function parseValid(text: string): unknown {
  parser ??= createExactParser({ paths: ["$"], separator: "" }, 1);
  let exact: unknown;
  parser.onValue = (value) => {
    exact = value;
  };
  parser.write(`${text}\n`); // a space ends a number
  return exact;
}

export interface ExactParser {
  onValue(value: unknown): void;
  /** Is called for each list and each object that begins. An error that it throws ends the parser, and comes from `write`. */
  onContainer(): void;
  /** Whether the JSON has come to its end. */
  readonly isEnded: boolean;
  /** @throws Error if the JSON is wrong */
  write(part: string | Uint8Array): void;
  /** @throws Error if the JSON is not whole */
  end(): void;
}

/**
 * A parser of JSON that comes in parts, with numbers as `parseExactJson` has them.
 *
 * @param cellLevel the lists and objects around a cell. Deeper values are inside of cells
 */
export function createExactParser(options: JSONParserOptions, cellLevel: number): ExactParser {
  const tokenizer = new ExactTokenizer(options);
  const tokens = new TokenParser(options);
  let level = 0;
  tokenizer.onToken = (parsed) => {
    const { token, value } = parsed;
    if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) {
      level += 1;
      exact.onContainer();
    } else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) level -= 1;
    if (typeof value === "bigint" && level > cellLevel) tokens.write({ ...parsed, value: String(value) });
    else tokens.write(parsed);
  };
  tokenizer.onEnd = () => {
    if (!tokens.isEnded) tokens.end();
  };
  tokens.onEnd = () => {
    if (!tokenizer.isEnded) tokenizer.end();
  };
  tokens.onError = (error) => tokenizer.error(error);
  const exact: ExactParser = {
    onValue: () => undefined,
    onContainer: () => undefined,
    get isEnded() {
      return tokenizer.isEnded && tokens.isEnded;
    },
    write: (part) => tokenizer.write(part),
    end: () => tokenizer.end(),
  };
  tokens.onValue = ({ value }) => exact.onValue(value);
  return exact;
}

class ExactTokenizer extends Tokenizer {
  /** The type of the library says number, but it passes on whatever comes. */
  override parseNumber(text: string): number {
    return exactNumber(text) as number;
  }
}

function exactNumber(text: string): number | bigint | string {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  if (!Number.isFinite(value)) return text;
  const isInteger = !/[.eE]/.test(text);
  if (!isInteger) return value;
  return text.length > mostDigits ? text : BigInt(text);
}
