import { describe, expect, it } from "vitest";
import { checkIdempotencyKey, checkMetadata, toArtifact } from "../../../src/store/model/artifact.js";
import { noTransferUrls } from "../../../src/store/ports/transfer-urls.js";

it("checkMetadata() counts metadata in bytes of JSON, and rejects NUL and text that is not valid Unicode", () => {
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

describe("toArtifact()", () => {
  const about = { mime_type: "text/csv", bytes: 3, sha256: "0".repeat(64), created_at: 1, metadata: { a: "b" } };
  const version = { version: 2, session: "secret", pieces: [{ name: "0-secret", bytes: 3 }], ...about };

  it("shows a version with its bucket and key, but not its pieces, its session and its idempotency keys", () => {
    expect(toArtifact("b", "k/x.csv", { ...version, idempotency_keys: ["secret"] }, noTransferUrls)).toEqual({
      bucket: "b",
      key: "k/x.csv",
      version: 2,
      uri: "artifact://b/k/x.csv",
      ...about,
    });
  });

  it("shows the optional fields that are present", () => {
    const more = { expires_at: 5, saved_by: "somebody 1.0", edit: 2 };
    const urls = { ...noTransferUrls, download: () => "http://there" };
    expect(toArtifact("b", "k", { ...version, ...more }, urls)).toMatchObject({ ...more, url: "http://there" });
  });
});

it("checkIdempotencyKey() accepts up to 255 characters of printable ASCII", () => {
  for (const key of [undefined, "a", " ", "~".repeat(255)]) expect(() => checkIdempotencyKey(key)).not.toThrow();
  for (const key of ["", "é", "a\n", "\u007f", "x".repeat(256)]) {
    const argument = "idempotency_key";
    expect(() => checkIdempotencyKey(key), key).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument } }),
    );
  }
});
