import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeContent, decodeUtf8 } from "../../src/mcp/content.js";
import { bucketUri, parseResourceUri, rootUri } from "../../src/mcp/resources/uri.js";
import { artifactUri } from "../../src/store/model/artifact.js";

const refused = expect.objectContaining({ code: "invalid_argument", details: { argument: "data" } });

describe("decodeContent()", () => {
  it("gives back any bytes from their base64", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(decodeContent("data", text, "base64")).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it("takes only base64 that its bytes would be written as", () => {
    const letters = fc.constantFrom(..."AZaz09+/=-_ \n\0", "Ł", "\u2041", "é");
    fc.assert(
      fc.property(fc.string({ unit: letters, minLength: 1, maxLength: 12 }), (text) => {
        const isBase64 = Buffer.from(text, "base64").toString("base64") === text;
        if (isBase64) expect(decodeContent("data", text, "base64")).toEqual(Buffer.from(text, "base64"));
        else expect(() => decodeContent("data", text, "base64")).toThrow(refused);
      }),
      { numRuns: 2_000, examples: [["ŁZaz09+/"], ["AZaz"], ["\u2041Zaz09+/"]] },
    );
  });

  it("gives back any text, and refuses what is no Unicode", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const bytes = decodeContent("data", text, "utf8");
        expect(decodeUtf8(bytes)).toBe(text);
      }),
    );
    for (const text of ["\ud800", "a\udc00b", "\udc00\ud800"]) {
      expect(() => decodeContent("data", text, "utf8")).toThrow(refused);
    }
  });
});

describe("parseResourceUri()", () => {
  const bucketLetters = [..."ABCXYZabcxyz0189_-"];
  const anyBucket = fc.string({ unit: fc.constantFrom(...bucketLetters), minLength: 1, maxLength: 63 });
  const anySegment = fc
    .string({ unit: fc.constantFrom(...bucketLetters, "."), minLength: 1, maxLength: 20 })
    .filter((segment) => segment !== "." && segment !== "..");
  const anyKey = fc.array(anySegment, { minLength: 1, maxLength: 8 }).map((segments) => segments.join("/"));
  const escaped = (text: string) => Array.from(text, (char) => `%${char.charCodeAt(0).toString(16)}`).join("");
  const plain = { version: undefined, offset: undefined, length: undefined };

  it("reads any artifact's own URI, as it is and with every character escaped", () => {
    fc.assert(
      fc.property(anyBucket, anyKey, (bucket, key) => {
        const address = { kind: "artifact", bucket, key, ...plain };
        expect(parseResourceUri(artifactUri(bucket, key))).toEqual(address);
        expect(parseResourceUri(`artifact://${escaped(bucket)}/${escaped(key)}`)).toEqual(address);
      }),
    );
  });

  it("reads each other kind of address", () => {
    expect(parseResourceUri(rootUri)).toEqual({ kind: "root", cursor: undefined });
    expect(parseResourceUri(`${rootUri}?cursor=abc`)).toEqual({ kind: "root", cursor: "abc" });
    expect(parseResourceUri(bucketUri("B"))).toEqual({ kind: "bucket", bucket: "B", cursor: undefined });
    expect(parseResourceUri("artifact-upload://x%20y")).toEqual({ kind: "upload", id: "x y" });
    const range = { version: 3, offset: 0, length: 10 };
    expect(parseResourceUri("artifact://b/k?length=10&offset=0&version=3")).toMatchObject(range);
  });
});
