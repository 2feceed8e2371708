import { copyBlockBytes } from "../model/limits.js";
import { readAhead } from "../pieces/read-ahead.js";
import type { LocalFile } from "../ports/local-files.js";

/*
 * The files that an export writes about itself are JSON with one list, which has an item a line. So they are read and
 * written line by line, however long the list is: no text of JavaScript is longer than half a gigabyte.
 */

/** The form of an export. The number rises when an older program could not read it. */
export const archiveFormat = "artifacts-mcp-export/1";

/** A manifest's line has a key, metadata, a type and a name of a file, which are each limited to a few KiB. */
const maxLineBytes = 64 * 1024;

/** Makes an error from what is wrong with a file. */
export type WrongFile = (problem: string, cause?: unknown) => Error;

/** The text of a file, part by part. @param items as JSON without line breaks */
export function* listText(member: string, items: Iterable<string>): Generator<string, void, undefined> {
  yield `{\n  "format": ${JSON.stringify(archiveFormat)},\n  ${JSON.stringify(member)}: [`;
  let isEmpty = true;
  for (const item of items) {
    yield `${isEmpty ? "\n" : ",\n"}    ${item}`;
    isEmpty = false;
  }
  yield isEmpty ? "]\n}\n" : "\n  ]\n}\n";
}

/**
 * The items of a list.
 *
 * @param lines of the file
 * @throws what `wrong` makes, if the file is not as `listText` writes it
 */
export async function* listItems(
  member: string,
  lines: AsyncIterable<string>,
  wrong: WrongFile,
): AsyncGenerator<unknown, void, undefined> {
  const iterator = lines[Symbol.asyncIterator]();
  let number = 0;
  const next = async (): Promise<string> => {
    const { done, value } = await iterator.next();
    if (done) throw wrong("its end is missing");
    number += 1;
    return value.trim();
  };
  const somethingElse = (): Error => wrong(`line ${number} has something else`);
  const expect = async (text: string): Promise<void> => {
    if ((await next()) !== text) throw somethingElse();
  };
  try {
    await expect("{");
    const format = await next();
    if (!format.startsWith('"format": ')) throw somethingElse();
    if (format !== `"format": ${JSON.stringify(archiveFormat)},`) {
      throw wrong(`its format is not ${archiveFormat}, which is what this program reads`);
    }
    const begin = await next();
    if (begin === `"${member}": [`) {
      yield* itemsFrom(next, (cause) => wrong(`line ${number} is no JSON`, cause));
      await expect("]");
    } else if (begin !== `"${member}": []`) throw somethingElse();
    await expect("}");
    if (!(await iterator.next()).done) throw wrong("it goes on after its end");
  } finally {
    await iterator.return?.();
  }
}

async function* itemsFrom(
  next: () => Promise<string>,
  noJson: (cause: unknown) => Error,
): AsyncGenerator<unknown, void, undefined> {
  for (let isLast = false; !isLast; ) {
    const line = await next();
    isLast = !line.endsWith(",");
    let item: unknown;
    try {
      item = JSON.parse(isLast ? line : line.slice(0, -1));
    } catch (cause) {
      throw noJson(cause);
    }
    yield item;
  }
}

/**
 * The lines of a file.
 *
 * @param onBlock called with each block of bytes, before its lines come
 * @throws what `wrong` makes, if the file is no such text
 */
export async function* linesOf(
  file: LocalFile,
  wrong: WrongFile,
  onBlock?: (block: Uint8Array) => void,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const lineOf = (bytes: Uint8Array): string => {
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw wrong("it is no text in UTF-8", cause);
    }
  };
  let rest = Buffer.alloc(0);
  for await (const block of readAhead(file.read, { start: 0, end: file.bytes, blockBytes: copyBlockBytes })) {
    onBlock?.(block);
    const bytes = Buffer.concat([rest, block]);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      if (end - start > maxLineBytes) throw tooLong(wrong);
      yield lineOf(bytes.subarray(start, end));
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > maxLineBytes) throw tooLong(wrong);
  }
  if (rest.length > 0) yield lineOf(rest);
}

function tooLong(wrong: WrongFile): Error {
  return wrong(`it has a line of more than ${maxLineBytes} bytes`);
}
