import { describe, expect, it } from "vitest";
import { decodeCursor, encodeCursor } from "../../../src/store/model/cursor.js";
import { suggestKey } from "../../../src/store/model/names/suggest-key.js";
import { randomText, seededRandom } from "../../support/random-text.js";

const refused = expect.objectContaining({ code: "invalid_argument", details: { argument: "cursor" } });
const scope = ["artifacts", "b", "报", "/"];

describe("a cursor", () => {
  it("can carry any key, in characters that a URL needs no encoding for", () => {
    const random = seededRandom(6);
    for (let run = 0; run < 5_000; run += 1) {
      const after = suggestKey(randomText(random, 12));
      if (after === undefined) continue;
      const cursor = encodeCursor(scope, after);
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(decodeCursor(scope, cursor)).toBe(after);
    }
  });

  it("that is left out means to begin at the first entry", () =>
    expect(decodeCursor(scope, undefined)).toBeUndefined());

  it("is rejected if it belongs to another listing, is cut or is changed", () => {
    const cursor = encodeCursor(scope, "é/😀");
    expect(() => decodeCursor(["artifacts", "b", "报", "."], cursor)).toThrow(refused);
    expect(() => decodeCursor([], cursor)).toThrow(refused);
    for (let end = 0; end < cursor.length; end += 1) {
      expect(() => decodeCursor(scope, cursor.slice(0, end)), cursor.slice(0, end)).toThrow(refused);
      for (const other of ["A", "_", "=", "%", " ", "é", "\n"]) {
        const altered = cursor.slice(0, end) + other + cursor.slice(end + 1);
        if (altered !== cursor) expect(() => decodeCursor(scope, altered), altered).toThrow(refused);
      }
    }
    for (const more of ["=", "A", "\n", cursor]) expect(() => decodeCursor(scope, cursor + more)).toThrow(refused);
    expect(() => decodeCursor(scope, ` ${cursor}`)).toThrow(refused);
    // These bytes are not valid UTF-8, so they decode to another text.
    const bytes = Buffer.from(cursor, "base64url");
    expect(() => decodeCursor(scope, bytes.subarray(0, -1).toString("base64url"))).toThrow(refused);
    expect(() => decodeCursor(scope, Buffer.from(bytes.toString(), "latin1").toString("base64url"))).toThrow(refused);
  });
});
