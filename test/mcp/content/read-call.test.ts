import { expect, it } from "vitest";
import { callText } from "../../../src/mcp/content/read-call.js";

it("writes a call as JSON, in which names cannot change how the text is read", () => {
  const args = { key: "a\u2028b", columns: ["\u202edlo", "grün 😀"], row: undefined };
  const text = callText("read_artifact", args);
  expect(text).toBe('read_artifact {"key":"a\\u2028b","columns":["\\u202edlo","grün 😀"]}');
  expect(JSON.parse(text.slice("read_artifact ".length))).toEqual({ key: args.key, columns: args.columns });
});
