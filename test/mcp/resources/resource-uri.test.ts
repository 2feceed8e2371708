import { UriTemplate } from "@modelcontextprotocol/sdk/shared/uriTemplate.js";
import { describe, expect, it } from "vitest";
import {
  bucketUri,
  fromTemplateValue,
  parseResourceUri,
  rootUri,
  toTemplateValue,
} from "../../../src/mcp/resources/resource-uri.js";
import { artifactUri } from "../../../src/store/model/names/artifact-uri.js";
import { suggestBucket } from "../../../src/store/model/names/bucket-name.js";
import { suggestKey } from "../../../src/store/model/names/suggest-key.js";
import { randomText, seededRandom } from "../../support/random-text.js";

const plain = { version: undefined, offset: undefined, length: undefined };
const escaped = (text: string) => Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).padStart(2, "0")}`);
const refusedFor = (why: RegExp, data = {}) =>
  expect.objectContaining({
    code: -32602,
    message: expect.stringMatching(why),
    data: expect.objectContaining(data),
  });

/** Random valid keys. */
function* anyKeys(seed: number, runs: number): Generator<string> {
  const random = seededRandom(seed);
  for (let run = 0; run < runs; run += 1) {
    const key = suggestKey(randomText(random, run % 200 === 0 ? 2_000 : 12));
    if (key !== undefined) yield key;
  }
}

describe("parseResourceUri()", () => {
  it("reads the URI of any artifact: as it is, with every byte escaped, in NFD, and with encoded slashes", () => {
    const random = seededRandom(8);
    for (const key of anyKeys(9, 3_000)) {
      const bucket = suggestBucket(randomText(random, 8)) ?? "b";
      const address = { kind: "artifact", bucket, key, ...plain };
      const spellings = [
        artifactUri(bucket, key),
        `artifact://${escaped(bucket).join("")}/${escaped(key).join("")}`,
        artifactUri(bucket, key.normalize("NFD")),
        `artifact://${bucket}/${encodeURIComponent(key)}`,
      ];
      for (const uri of spellings) expect(parseResourceUri(uri), uri.slice(0, 200)).toEqual(address);
    }
  });

  it("accepts plain characters that a URI would encode, and decodes once", () => {
    const keyOf = (uri: string) => parseResourceUri(uri);
    expect(keyOf("artifact://b/报告/cafe\u0301 1.csv")).toMatchObject({ bucket: "b", key: "报告/café 1.csv" });
    expect(keyOf("artifact://b/a+b")).toMatchObject({ key: "a+b" });
    expect(keyOf("artifact://b/%2541")).toMatchObject({ key: "%41" });
    expect(keyOf("artifact://b/k%3Fversion=1%23x?version=2")).toMatchObject({ key: "k?version=1#x", version: 2 });
    expect(keyOf("artifact://b/a%2Fb")).toMatchObject({ key: "a/b" });
    expect(keyOf("artifact://b.c")).toEqual({ kind: "bucket", bucket: "b.c", cursor: undefined });
  });

  it("reads every other kind of address", () => {
    expect(parseResourceUri(rootUri)).toEqual({ kind: "root", cursor: undefined });
    expect(parseResourceUri(`${rootUri}?cursor=abc`)).toEqual({ kind: "root", cursor: "abc" });
    expect(parseResourceUri(bucketUri("B"))).toEqual({ kind: "bucket", bucket: "B", cursor: undefined });
    expect(parseResourceUri("artifact-upload://x%20y")).toEqual({ kind: "upload", id: "x y" });
    const range = { version: 3, offset: 0, length: 10 };
    expect(parseResourceUri("artifact://b/k?length=10&offset=0&version=3")).toMatchObject(range);
  });

  it("accepts the longest key in any spelling", () => {
    for (const key of ["报".repeat(341), "각".repeat(341), "%".repeat(1_024)]) {
      for (const spelling of [key, key.normalize("NFD")]) {
        const uri = `${artifactUri("b".repeat(63), spelling)}?version=1000000000000000&offset=0&length=1`;
        expect(parseResourceUri(uri)).toMatchObject({ key });
      }
    }
  });

  it.each([
    ["artifact://b/k#x", /a key's own # is written %23/],
    ["artifact://b/a?b?c", /a key's own \? is written %3F/],
    ["artifact://b/100%", /a plain percent sign is written %25/],
    ["artifact://b/%C0%AF", /percent/],
    ["artifact://b/%ED%A0%80", /percent/],
    [`artifact://b/${"x".repeat(12_000)}`, /longer than/],
  ])("refuses %s and says how to write it", (uri, why) => {
    expect(() => parseResourceUri(uri)).toThrow(refusedFor(why));
  });

  it.each([
    ["artifact://b/..%2Fx", { argument: "key", suggestion: "x" }],
    ["artifact://b/%2e%2e/b2/k", { argument: "key", suggestion: "b2/k" }],
    ["artifact://b/k/", { argument: "key", suggestion: "k" }],
    ["artifact://b/k%00", { argument: "key", suggestion: "k-" }],
    ["artifact://b/k\ud800", { argument: "key", suggestion: "k-" }],
    ["artifact://b/a%5Cb", { argument: "key", suggestion: "a/b" }],
    [
      `artifact://b/${"x".repeat(1_025)}`,
      { argument: "key", suggestion: expect.stringMatching(/^x{63}-[0-9a-f]{8}$/) },
    ],
    ["artifact://me@b:80/k", { argument: "bucket", suggestion: "me-b-80" }],
    ["artifact://b%2Fk", { argument: "bucket", suggestion: "b-k" }],
    ["artifact:////k", { argument: "bucket" }],
  ])("refuses the name in %s and suggests one", (uri, data) => {
    expect(() => parseResourceUri(uri)).toThrow(refusedFor(/^.*its (?:bucket|key) ".*" is not valid: /, data));
  });
});

describe("toTemplateValue()", () => {
  /** Expands `{+key}` as in RFC 6570, section 3.2.3. */
  const expand = (value: string) =>
    value.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]/gu, (part) =>
      part.length === 3 ? part : encodeURIComponent(part),
    );

  it("gives the value that a host expands to the URI of the key", () => {
    for (const key of anyKeys(10, 10_000)) {
      const uri = `artifact://b/${expand(toTemplateValue(key))}`;
      expect(parseResourceUri(uri), uri.slice(0, 200)).toMatchObject({ bucket: "b", key });
    }
  });

  it("is undone by fromTemplateValue(), also for a typed beginning", () => {
    for (const key of anyKeys(11, 10_000)) expect(fromTemplateValue(toTemplateValue(key))).toBe(key);
    expect(fromTemplateValue("caf")).toBe("caf");
    expect(fromTemplateValue("100%")).toBe("100%");
    expect(fromTemplateValue("a%3fb%23%2541")).toBe("a?b#%41");
  });

  it.each(["a/b c", "报告/é", "100%", "a&b=c+d"])("leaves %j unchanged, which the SDK expands correctly", (key) => {
    expect(toTemplateValue(key)).toBe(key);
    const uri = new UriTemplate("artifact://{bucket}/{+key}").expand({ bucket: "b", key });
    expect(parseResourceUri(uri)).toMatchObject({ key });
  });
});
