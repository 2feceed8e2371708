import { describe, expect, it } from "vitest";
import { checkMimeType, isTextType, mimeTypeOf } from "../../../../src/store/model/formats/media-type.js";

describe("mimeTypeOf()", () => {
  it.each([
    ["data/a.csv", "text/csv"],
    ["a.jsonl", "application/x-ndjson"],
    ["a.parquet", "application/vnd.apache.parquet"],
    ["a.py", "text/x-python"],
    ["a.PNG", "image/png"],
    ["README", "fallback/type"],
    ["json", "fallback/type"],
    ["dir.csv/s", "fallback/type"],
    [".csv", "fallback/type"],
    ["a.unknown-extension", "fallback/type"],
  ])("returns the type of %j", (key, type) => expect(mimeTypeOf(key, "fallback/type")).toBe(type));
});

describe("isTextType()", () => {
  it.each(["text/csv", "TEXT/HTML; charset=utf-8", "application/json", "image/svg+xml", "application/x-ndjson"])(
    "is true for %j",
    (type) => expect(isTextType(type)).toBe(true),
  );
  it.each(["application/octet-stream", "image/png", "application/vnd.apache.parquet", "application/jsonx"])(
    "is false for %j",
    (type) => expect(isTextType(type)).toBe(false),
  );
});

describe("checkMimeType()", () => {
  it("accepts a media type with parameters and rejects a text that a header cannot carry", () => {
    const parameters = [";", "; header=present", ' ;a=b; c="d, \\" e" ;', ";charset=utf-8;"];
    for (const more of parameters) expect(() => checkMimeType(`text/csv${more}`), more).not.toThrow();
    const noParameters = ["text/csv; ,text/html", "text/csv,text/html", "text/csv; a", "text/csv; a=", 'text/csv; a="'];
    const noTypes = [
      "",
      "text",
      "text/",
      "; charset=binary",
      "text/csv\r\nX: 1",
      "te xt/csv",
      `text/${"x".repeat(255)}`,
    ];
    for (const type of [...noTypes, ...noParameters]) {
      expect(() => checkMimeType(type), type).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    }
  });
});
