import { describe, expect, it } from "vitest";
import { parseResourceUri } from "../../../../src/mcp/resources/resource-uri.js";
import { artifactUri, decodePercent, encodeKey } from "../../../../src/store/model/names/artifact-uri.js";
import { suggestKey } from "../../../../src/store/model/names/suggest-key.js";
import { randomText, seededRandom } from "../../../support/random-text.js";

const plain = { version: undefined, offset: undefined, length: undefined };

describe("artifactUri()", () => {
  it.each([
    ["reports/2026/a-b_c.d~e.csv", "reports/2026/a-b_c.d~e.csv"],
    ["a b", "a%20b"],
    ["café/报", "caf%C3%A9/%E6%8A%A5"],
    ["😀", "%F0%9F%98%80"],
    ["100%", "100%25"],
    ["%41", "%2541"],
    ["a?b#c", "a%3Fb%23c"],
    ["a:b@c", "a%3Ab%40c"],
    ["!$&'()*+,;=[]", "%21%24%26%27%28%29%2A%2B%2C%3B%3D%5B%5D"],
  ])("writes the key %j as %s", (key, path) => {
    expect(artifactUri("b.c", key)).toBe(`artifact://b.c/${path}`);
    expect(encodeKey(key)).toBe(path);
    // The WHATWG parser changes nothing in it.
    expect(new URL(`http://h/${path}`).pathname).toBe(`/${path}`);
  });

  it("can be parsed to the same bucket and key, for any key", () => {
    const random = seededRandom(5);
    for (let run = 0; run < 20_000; run += 1) {
      const key = suggestKey(randomText(random, run % 500 === 0 ? 3_000 : 12));
      if (key === undefined) continue;
      const uri = artifactUri("b", key);
      expect(uri).toMatch(/^[A-Za-z0-9._~/%:-]+$/);
      expect(parseResourceUri(uri), uri.slice(0, 200)).toEqual({ kind: "artifact", bucket: "b", key, ...plain });
      expect(decodePercent(encodeKey(key))).toBe(key);
    }
  });
});

describe("decodePercent()", () => {
  it.each([
    ["", ""],
    ["a+b", "a+b"],
    ["%2B+%20", "++ "],
    ["%c3%A9é", "éé"],
    ["%2541", "%41"],
    ["%2F%5C%00", "/\\\0"],
    ["%F4%8F%BF%BF", "\u{10ffff}"],
    ["%EF%BB%BFa", "\ufeffa"],
  ])("decodes %j once", (text, decoded) => expect(decodePercent(text)).toBe(decoded));

  it.each([
    ...["%", "a%", "%4", "%zz", "%4g", "%%41", "%u0041", "% 41"],
    ...["%C3", "%C3é", "%A9", "%FF", "%C3%28"],
    ...["%C0%80", "%C0%AF", "%E0%80%AF", "%F0%80%80%AF"], // overlong encodings
    ...["%ED%A0%80", "%ED%BF%BF"], // surrogates
    ...["%F4%90%80%80", "%F8%88%80%80%80"], // beyond Unicode
  ])("refuses %j", (text) => expect(decodePercent(text)).toBeUndefined());
});
