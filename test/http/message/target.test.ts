import { describe, expect, it } from "vitest";
import { readTarget } from "../../../src/http/message/target.js";
import { checkNames, matchPath } from "../../../src/http/route.js";

const refused = expect.objectContaining({ name: "HttpError", code: "invalid_argument", status: 400 });

describe("readTarget()", () => {
  it.each([
    ["/v1/content/b/a%20b", ["v1", "content", "b", "a b"]],
    ["/a+b", ["a+b"]],
    ["/a%2Bb", ["a+b"]],
    ["/%2541", ["%41"]],
    ["/a%3Fb%23c", ["a?b#c"]],
    ["/a/../b/.", ["a", "..", "b", "."]],
    ["/a//b/", ["a", "", "b", ""]],
    ["/caf%C3%A9", ["café"]],
    ["http://127.0.0.1:80/a", ["a"]],
  ])("reads the path of %j", (url, segments) => expect(readTarget(url).segments).toEqual(segments));

  it("reads a query, in which + is a space", () => {
    const { query } = readTarget("/x?prefix=a+b%2Bc%26d&delimiter=%C3%A9&empty=&e=a=b&e=%65&e=");
    const expected = { prefix: ["a b+c&d"], delimiter: ["é"], empty: [""], e: ["a=b", "e", ""] };
    expect(Object.fromEntries(query)).toEqual(expected);
  });

  it.each([
    "/%",
    "/a%4",
    "/%zz",
    "/%C3",
    "/%C0%AF",
    "/%ED%A0%80",
    "/%F4%90%80%80",
    "/x?a=%",
    "/x?%FF=1",
    "/a#b",
    "/a?b?c",
    `/${"x".repeat(12_288)}`,
  ])("refuses %j", (url) => expect(() => readTarget(url)).toThrow(refused));

  it("says how to write a percent sign, # and ?", () => {
    expect(() => readTarget("/100%")).toThrow("write a plain percent sign as %25");
    expect(() => readTarget("/a#b")).toThrow("write it as %23");
    expect(() => readTarget("/a?b?c")).toThrow("as %3F");
  });
});

describe("matchPath()", () => {
  it.each([
    ["/mcp", "/mcp/", {}],
    ["/v1/artifacts", "/v1/artifacts/", {}],
    ["/v1/artifacts/{bucket}", "/v1/artifacts/b/", { bucket: "b" }],
    ["/v1/artifacts/session:{session}", "/v1/artifacts/session:x.y/", { session: "x.y" }],
    ["/v1/tus/{session}", "/v1/tus/x.y/", { session: "x.y" }],
    ["/v1/content/{bucket}/{key}", "/v1/content/b/k/", { bucket: "b", key: "k/" }],
    ["/v1/content/{bucket}/{key}", "/v1/content/b/", undefined],
    ["/v1/artifacts/{bucket}", "/v1/artifacts//", undefined],
    ["/v1/artifacts", "/v1/artifacts//", undefined],
    ["/v1/tus/{session}", "/v1/tus/", undefined],
    ["/mcp", "/", undefined],
  ])("matches %s with %s as %j", (path, url, parameters) => {
    expect(matchPath(path, readTarget(url).segments)).toEqual(parameters);
  });
});

describe("checkNames()", () => {
  const parametersOf = (url: string) => {
    const parameters = matchPath("/v1/content/{bucket}/{key}", readTarget(url).segments);
    return parameters && checkNames(parameters);
  };

  it("returns the key in NFC, also with percent-encoded slashes", () => {
    expect(parametersOf("/v1/content/b/cafe%CC%81/x")).toEqual({ bucket: "b", key: "café/x" });
    expect(parametersOf("/v1/content/b/a%2Fb")).toEqual({ bucket: "b", key: "a/b" });
  });

  it.each([
    ["/v1/content/b/..%2Fk", "key"],
    ["/v1/content/b/a//b", "key"],
    ["/v1/content/b/a%00", "key"],
    ["/v1/content/b/a%2F", "key"],
    ["/v1/content/b%20b/k", "bucket"],
    ["/v1/content/b%2Fb/k", "bucket"],
  ])("refuses %s because of its %s", (url, argument) => {
    const details = expect.objectContaining({ argument });
    expect(() => parametersOf(url)).toThrow(expect.objectContaining({ code: "invalid_argument", details }));
  });

  it("does not change other parameters", () => expect(checkNames({ session: "a..b" })).toEqual({ session: "a..b" }));
});
