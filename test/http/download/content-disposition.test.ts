import { validateHeaderValue } from "node:http";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { contentDisposition } from "../../../src/http/download/content-disposition.js";
import { suggestKey } from "../../../src/store/model/names/suggest-key.js";
import { randomText, seededRandom } from "../../support/random-text.js";

interface Parser {
  parse(header: string, options?: { extended: boolean }): { type: string; parameters: Record<string, string> };
}
/** The parser that Express applications use. It is installed with the MCP SDK. */
const { parse } = createRequire(import.meta.url)("content-disposition") as Parser;

const fileNameOf = (key: string): string => key.slice(key.lastIndexOf("/") + 1);

describe("contentDisposition()", () => {
  it.each([
    ["a/b/data-1_2.csv", 'inline; filename="data-1_2.csv"'],
    ["a b.csv", `inline; filename="a b.csv"; filename*=UTF-8''a%20b.csv`],
    ["报告.csv", `inline; filename="__.csv"; filename*=UTF-8''%E6%8A%A5%E5%91%8A.csv`],
    ["😀", `inline; filename="_"; filename*=UTF-8''%F0%9F%98%80`],
    ['say "hi".txt', `inline; filename="say _hi_.txt"; filename*=UTF-8''say%20%22hi%22.txt`],
    ["100%41.txt", `inline; filename="100_41.txt"; filename*=UTF-8''100%2541.txt`],
    ["it's.txt", `inline; filename="it's.txt"; filename*=UTF-8''it%27s.txt`],
    ["a;b=c.txt", `inline; filename="a;b=c.txt"; filename*=UTF-8''a%3Bb%3Dc.txt`],
    ["(1)*.txt", `inline; filename="(1)*.txt"; filename*=UTF-8''%281%29%2A.txt`],
  ])("names %j: %s", (key, header) => expect(contentDisposition("inline", key)).toBe(header));

  it("keeps the type", () => expect(contentDisposition("attachment", "a")).toBe('attachment; filename="a"'));

  it.each([
    ['"; filename="evil.exe', "attachment"],
    ["x\"; filename*=UTF-8''evil.exe", "attachment"],
    ["a'b'c.txt", "inline"],
    ["UTF-8''%2e%2e", "inline"],
    ["%2e%2e%2fetc", "inline"],
    ["a;b,c=d e\tf".replace("\t", " "), "attachment"],
    ["=?utf-8?Q?a?=", "attachment"],
    ["é\u0323".normalize("NFC"), "inline"],
    ["\u0085x".replace("\u0085", "\ufeff"), "inline"],
  ] as const)("is read back unchanged by a parser: %j", (key, type) => {
    expect(parse(contentDisposition(type, key))).toMatchObject({ type, parameters: { filename: key } });
  });

  it("is read back unchanged by a parser, for random keys", () => {
    const random = seededRandom(7);
    for (let run = 0; run < 10_000; run += 1) {
      const key = suggestKey(randomText(random, run % 500 === 0 ? 1_500 : 12));
      if (key === undefined) continue;
      const header = contentDisposition("attachment", key);
      expect(header).toMatch(/^[\x20-\x7e]+$/);
      validateHeaderValue("content-disposition", header);
      const { type, parameters } = parse(header);
      expect(type).toBe("attachment");
      expect(parameters["filename"], header).toBe(fileNameOf(key));
      expect(parse(header, { extended: false }).parameters["filename"], header).toMatch(/^[^"\\%]+$/);
    }
  });
});
