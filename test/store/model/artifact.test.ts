import { describe, expect, it } from "vitest";
import { checkIdempotencyKey, checkMetadata, toArtifact } from "../../../src/store/model/artifact.js";
import { checkMimeType, isTextType, mimeTypeOf } from "../../../src/store/model/media-type.js";
import { noTransferUrls } from "../../../src/store/ports/transfer-urls.js";

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
  ])("tells the type of %j", (key, type) => expect(mimeTypeOf(key, "fallback/type")).toBe(type));
});

describe("isTextType()", () => {
  it.each(["text/csv", "TEXT/HTML; charset=utf-8", "application/json", "image/svg+xml", "application/x-ndjson"])(
    "shows %j as text",
    (type) => expect(isTextType(type)).toBe(true),
  );
  it.each(["application/octet-stream", "image/png", "application/vnd.apache.parquet", "application/jsonx"])(
    "does not show %j as text",
    (type) => expect(isTextType(type)).toBe(false),
  );
});

describe("checks", () => {
  it("take a media type with parameters and refuse what a header could not carry", () => {
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

  it("count metadata in bytes of JSON and refuse NUL and what is no Unicode", () => {
    expect(() => checkMetadata({ a: "x".repeat(2_048 - '{"a":""}'.length) })).not.toThrow();
    for (const metadata of [
      { a: "x".repeat(2_048) },
      { a: "é".repeat(1_030) },
      { a: "\ud800" },
      { "\udc00": "a" },
      { a: "\0" },
    ]) {
      expect(() => checkMetadata(metadata)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    }
  });
});

describe("toArtifact()", () => {
  const about = { mime_type: "text/csv", bytes: 3, sha256: "0".repeat(64), created_at: 1, metadata: { a: "b" } };
  const version = { version: 2, session: "secret", pieces: [{ name: "0-secret", bytes: 3 }], ...about };

  it("shows a version under its bucket and key, and not where its bytes lie or who asked for it", () => {
    expect(toArtifact("b", "k/x.csv", { ...version, idempotency_keys: ["secret"] }, noTransferUrls)).toEqual({
      ...{ bucket: "b", key: "k/x.csv", version: 2, uri: "artifact://b/k/x.csv" },
      ...about,
    });
  });

  it("shows what else there is to say", () => {
    const more = { expires_at: 5, saved_by: "somebody 1.0", edit: 2 };
    const urls = { ...noTransferUrls, download: () => "http://there" };
    expect(toArtifact("b", "k", { ...version, ...more }, urls)).toMatchObject({ ...more, url: "http://there" });
  });
});

it("checkIdempotencyKey() takes printable ASCII, up to 255 characters", () => {
  for (const key of [undefined, "a", " ", "~".repeat(255)]) expect(() => checkIdempotencyKey(key)).not.toThrow();
  for (const key of ["", "é", "a\n", "\u007f", "x".repeat(256)]) {
    const argument = "idempotency_key";
    expect(() => checkIdempotencyKey(key), key).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument } }),
    );
  }
});
