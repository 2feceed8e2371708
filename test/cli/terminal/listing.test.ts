import { describe, expect, it } from "vitest";
import { createListing, type ListingColumn } from "../../../src/cli/terminal/listing.js";

interface Item {
  readonly name: string;
  readonly bytes: number;
  readonly seconds: number;
}

const columns: readonly ListingColumn<Item>[] = [
  { title: "SIZE", isNumber: true, text: ({ bytes }, style) => style.bytes(bytes) },
  { title: "NAME", isName: true, text: ({ name }) => name },
  { title: "TIME", isLong: true, text: ({ seconds }, style) => style.time(seconds) },
];
const items = [
  { name: "a", bytes: 2048, seconds: 0 },
  { name: "b\tc", bytes: 1, seconds: 1 },
];

/** What a listing of `items` prints, page by page. */
async function printed(isTerminal: boolean, options: { isJson?: boolean; isLong?: boolean; isNamed?: boolean }) {
  const { isJson = false, isLong = false, isNamed = true } = options;
  const written: string[] = [];
  const terminal = {
    isTerminal,
    print: async (text: string | Uint8Array) => void written.push(String(text)),
    problem: () => undefined,
  };
  const address = ({ name }: Item): string => `bucket/${name}`;
  const listing = createListing<Item>(terminal, { isJson, isLong, columns, ...(isNamed && { address }) });
  for (const item of items) await listing.add([item]);
  await listing.add([]);
  await listing.end({ total: 2 });
  return written.join("");
}

describe("createListing()", () => {
  it("prints a table to a terminal, with --long all columns and exact facts", async () => {
    expect(await printed(true, {})).toBe("   SIZE  NAME\n2.0 KiB  a\n    1 B  b\\u0009c\n");
    expect(await printed(true, { isLong: true })).toBe(
      "SIZE  NAME  TIME\n2048  a     1970-01-01T00:00:00Z\n   1  b\\u0009c  1970-01-01T00:00:01Z\n",
    );
  });

  it("prints addresses for a program, with --long all columns with tabs between them", async () => {
    expect(await printed(false, {})).toBe("bucket/a\nbucket/b\tc\n");
    expect(await printed(false, { isLong: true })).toBe(
      "2048\tbucket/a\t1970-01-01T00:00:00Z\n1\tbucket/b\\u0009c\t1970-01-01T00:00:01Z\n",
    );
    expect(await printed(false, { isNamed: false })).toBe("2048\ta\n1\tb\\u0009c\n");
  });

  it.each([true, false])("prints one JSON document (terminal: %s)", async (isTerminal) => {
    const document = await printed(isTerminal, { isJson: true });
    expect(document).toMatch(/^[^\n]+\n$/); // one line, as of every command
    expect(JSON.parse(document)).toEqual({ data: items, total: 2 });
  });

  it("prints JSON in which nothing controls a terminal", async () => {
    const written: string[] = [];
    const print = async (text: string | Uint8Array) => void written.push(String(text));
    const listing = createListing<Item>(
      { isTerminal: true, print, problem: () => undefined },
      { isJson: true, isLong: false, columns },
    );
    const item = { name: "a\u009b2J\u202e\u001b", bytes: 1, seconds: 1 };
    await listing.add([item]);
    await listing.end();
    expect(written.join("")).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    expect(JSON.parse(written.join(""))).toEqual({ data: [item] });
  });

  it("prints a JSON document without items", async () => {
    const written: string[] = [];
    const terminal = {
      isTerminal: false,
      print: async (text: string | Uint8Array) => void written.push(String(text)),
      problem: () => undefined,
    };
    await createListing<Item>(terminal, { isJson: true, isLong: false, columns }).end();
    expect(JSON.parse(written.join(""))).toEqual({ data: [] });
  });
});
