import { describe, expect, it } from "vitest";
import { messageForHttp } from "../../../src/http/message/next-steps.js";
import { messageForTools } from "../../../src/mcp/calls/message-for-tools.js";
import { ArtifactError, NEXT_STEPS, type NextStep } from "../../../src/store/model/errors.js";
import { connect } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

const details = { offset: 5, size: 9, version: 3, newest: "3", session_id: "abc", bucket: "b" };
const errorOf = (next: NextStep) => new ArtifactError("internal", "It failed.", { next, details });
const toolNames =
  /\b(?:save|read|describe|compare|get|search|update|copy|delete|list|create|upload|complete|abort|import|export)_[a-z_]+\b/g;
/** Steps of file transfers, which HTTP does not offer. */
const ofFiles = /import|export|allowed/;

describe.each(NEXT_STEPS)("the next step %s", (next) => {
  it("is worded for tools, with the names of tools that there are", async () => {
    const { client } = await connect(createMemoryEngines(), { allowPaths: ["/data"] });
    const tools = (await client.listTools()).tools.map(({ name }) => name);
    const said = messageForTools(errorOf(next));
    expect(tools).toEqual(expect.arrayContaining(said.match(toolNames) ?? []));
    const first = next === "check_content" ? "Go on at offset 5 with .*\\. " : "";
    expect(said).toMatch(new RegExp(`^${first}It failed\\.( (?:[A-Z]|(?:search|describe)_).*\\.)?$`));
    expect(said === "It failed.").toBe(next === "correct_argument");
    expect(said).not.toMatch(/\b(GET|POST|PUT|DELETE)\b|\/v1\/|undefined/);
  });

  it("is worded for requests, without the name of a tool", () => {
    const said = messageForHttp(errorOf(next));
    expect(said).toMatch(/^It failed\.( (?:[A-Z]|search_).*\.)?$/);
    expect(said === "It failed.").toBe(next === "correct_argument" || ofFiles.test(next));
    expect(said.match(toolNames) ?? []).toEqual([]);
    expect(said).not.toMatch(/undefined/);
  });
});
