import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { parseJson } from "../../../src/mcp/fast-json/parse-json.js";

const parse = (json: string, from = 0): unknown => {
  const isLatin1 = /^[^\u0080-\uffff]*$/.test(json);
  const line = Buffer.concat([Buffer.alloc(from), Buffer.from(json)]).subarray(from);
  return parseJson(line, isLatin1 ? "latin1" : "utf8");
};

/** The value that `work` returns, or the text of its error. */
function outcome(work: () => unknown): { value: unknown } | { error: string } {
  try {
    return { value: work() };
  } catch (error) {
    return { error: String(error) };
  }
}

/** Records the longest text that `JSON.parse` receives. */
function watchParser(): { longest: number } {
  const work = { longest: 0 };
  const { parse } = JSON;
  vi.spyOn(JSON, "parse").mockImplementation((text: string) => {
    work.longest = Math.max(work.longest, text.length);
    return parse(text);
  });
  onTestFinished(() => void vi.restoreAllMocks());
  return work;
}

const large = "q".repeat(5_000);

describe("parseJson()", () => {
  it.each([
    ["ASCII", "A".repeat(100_000)],
    ["other text", "Grüße, 世界 🎉".repeat(5_000)],
  ])("does not pass a large string of %s to JSON.parse", (_, data) => {
    const work = watchParser();
    const message = { jsonrpc: "2.0", id: 1, params: { name: "upload_chunk", arguments: { offset: 7, data } } };
    const json = JSON.stringify(message);
    expect(parse(json)).toEqual(message);
    expect(work.longest).toBeLessThan(1_000);
  });

  it("throws the error of JSON.parse if the text is not JSON", () => {
    const texts = [
      JSON.stringify({ data: `${large}"\n\\${large}` }),
      `{"data":"${large}","more":}`,
      `{"data":"${large}`,
      `{"data":"${large}\t"}`,
      `{"data":"${large}"`,
      `"${large}" "${large}"`,
      `{"data":"${large}\t","data":"${large}"}`,
      `{"data":"${large}","data":"${large}!"}`,
      `{"data":"${large}"\\}`,
      `${'{"a":'.repeat(6_000)}"${large}"`,
    ];
    for (const text of texts) {
      expect(outcome(() => parse(text))).toEqual(outcome(() => JSON.parse(text)));
    }
  });

  it("refuses a control character anywhere in a large string", () => {
    for (let at = 0; at < 16; at += 1) {
      for (const code of [0, 1, 0x09, 0x0b, 0x1f]) {
        for (const where of [at, 5_000 - at, 2_500 + at]) {
          const text = `${large.slice(0, where)}${String.fromCharCode(code)}${large.slice(where)}`;
          expect(() => parse(`{"data":"${text}"}`, at % 5)).toThrow(SyntaxError);
        }
      }
    }
  });

  it("accepts every other character in a large string", () => {
    for (let code = 0x20; code < 0x100; code += 1) {
      if (code === 0x22 || code === 0x5c) continue;
      const text = String.fromCharCode(code).repeat(5_000);
      expect(parse(`["${text}"]`, code % 4)).toEqual([text]);
    }
  });

  it("keeps large member names, and keeps __proto__ as a member", () => {
    const json = `{"${large}":1,"__proto__":"${large}","deep":{"__proto__":["${large}"]}}`;
    const value = parse(json);
    expect(value).toEqual(JSON.parse(json));
    expect(Object.keys(value as object)).toEqual([large, "__proto__", "deep"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it("recognizes a member name by its colon, on the next line too", () => {
    const json = `{"${large}"\n : "${large}", "a":\n"${large}"}`;
    expect(parse(json)).toEqual(JSON.parse(json));
  });

  it("is not confused by strings that look like a placeholder", () => {
    const data = ["0", "1", `${"0".repeat(8)}-0000-4000-8000-${"0".repeat(12)}0`, large, `${large}1`];
    expect(parse(JSON.stringify({ data }))).toEqual({ data });
  });

  it("accepts values that are nested deeper than the call stack allows", () => {
    const json = `${"[".repeat(7_000)}"${large}"${"]".repeat(7_000)}`;
    let value = parse(json);
    while (Array.isArray(value)) [value] = value;
    expect(value).toBe(large);
  });

  it("returns what JSON.parse returns, for any JSON", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme-ascii" }));
    const longText = fc.tuple(text, fc.nat(3_000)).map(([part, times]) => part.repeat(times));
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(longText, text, fc.double(), fc.boolean(), fc.constant(null), tie("list"), tie("object")),
      list: fc.array(tie("json"), { maxLength: 4 }),
      object: fc.dictionary(fc.oneof(text, longText), tie("json"), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, "\t"), fc.nat(7), (value, space, from) => {
        const written = JSON.stringify(value, null, space);
        expect(parse(written, from)).toEqual(JSON.parse(written));
      }),
    );
  });

  it("returns or throws what JSON.parse does, for JSON with a random change", () => {
    const json = JSON.stringify({ id: 1, data: large, more: ["a", large], last: { b: large } });
    fc.assert(
      fc.property(
        fc.nat(json.length),
        fc.nat(3),
        fc.constantFrom("", '"', "\\", "{", "]", ",", ":", "\u0001", "ü"),
        (at, gone, put) => {
          const changed = json.slice(0, at) + put + json.slice(at + gone);
          expect(outcome(() => parse(changed))).toEqual(outcome(() => JSON.parse(changed)));
        },
      ),
    );
  });
});
