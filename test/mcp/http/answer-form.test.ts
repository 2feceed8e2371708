import { describe, expect, it } from "vitest";
import { answerForm, isJson } from "../../../src/mcp/http/answer-form.js";

describe("answerForm()", () => {
  it.each([
    [undefined, "json"],
    ["", "json"],
    ["*/*", "json"],
    ["application/json", "json"],
    ["Application/JSON; charset=utf-8", "json"],
    ["application/*", "json"],
    ["application/json, */*", "json"],
    ["application/json, text/event-stream", "events"],
    ["text/event-stream", "events"],
    ["text/*, */*", "events"],
    ["text/event-stream, */*;q=0.5", "events"],
    ["application/json, text/event-stream;q=0", "json"],
    ["application/json, text/event-stream;q=0.5", "json"],
    ["application/json;q=0, */*", undefined],
    ["text/html", undefined],
  ])("returns for %j: %j", (accept, form) => expect(answerForm(accept)).toBe(form));
});

describe("isJson()", () => {
  it.each([
    ["application/json", true],
    ["Application/Json ; charset=utf-8", true],
    ["application/json5", false],
    ["text/plain; application/json", false],
    [undefined, false],
  ])("returns for %j: %j", (type, is) => expect(isJson(type)).toBe(is));
});
