import { type CallToolResult, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { connect, refusalIn, textOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

async function refused(method: string, params?: Record<string, unknown>) {
  const { client } = await connect(createMemoryEngines());
  return client.request({ method, ...(params && { params }) }, ResultSchema).catch((error: unknown) => error);
}

it.each([
  ["resources/read", undefined, /resources\/read: uri is required/],
  ["resources/read", { uri: 5 }, /uri must be a string, not 5/],
  ["resources/list", { cursor: {} }, /cursor must be a string, not {}/],
  ["resources/subscribe", {}, /uri is required/],
  ["completion/complete", { argument: { name: "bucket", value: "" } }, /ref is required/],
  ["logging/setLevel", { level: "loud" }, /level must be one of debug/],
  ["tools/call", {}, /name is required/],
  ["tools/call", { name: ["get_artifact"] }, /name must be a string/],
])("%s with %j is refused with a readable message", async (method, params, message) => {
  const error = await refused(method, params);
  expect(error).toMatchObject({ code: -32_602, message: expect.stringMatching(message) });
});

it.each([[], "bucket", 7, [{ bucket: "b" }]])("a tool called with %j instead of arguments says so", async (args) => {
  const { client } = await connect(createMemoryEngines());
  const result = await client.request(
    { method: "tools/call", params: { name: "get_artifact", arguments: args } },
    ResultSchema,
  );
  expect(result).toMatchObject({ isError: true });
  expect(refusalIn(textOf(result as CallToolResult))).toMatchObject({
    code: "invalid_argument",
    message: expect.stringMatching(/arguments must be an object/),
  });
});

it.each<[string, Record<string, unknown>]>([
  ["tools/call", { name: "no_tool" }],
  ["tools/call", {}],
  ["resources/list", { cursor: "x" }],
  ["resources/read", { uri: "artifact://b/none" }],
  ["resources/read", { uri: "no URI" }],
  ["resources/subscribe", { uri: "artifact://b/../k" }],
  ["completion/complete", { ref: { type: "ref/prompt", name: "p" }, argument: { name: "a", value: "" } }],
  ["prompts/list", {}],
])("%s with %j is refused without `MCP error` in the message, because the client adds it", async (method, params) => {
  const { client } = await connect(createMemoryEngines());
  const messages: string[] = [];
  const { transport } = client;
  const onmessage = transport?.onmessage;
  if (transport === undefined || onmessage === undefined) throw new Error("the client is not connected");
  transport.onmessage = (message, extra) => {
    if ("error" in message) messages.push(message.error.message);
    onmessage(message, extra);
  };
  await expect(client.request({ method, params }, ResultSchema)).rejects.toThrow(/^MCP error -\d+: (?!MCP error)/);
  expect(messages).toEqual([expect.stringMatching(/^(?!.*MCP error)./)]);
});

it("an unknown method gets another code than a wrong call", async () => {
  expect(await refused("prompts/list")).toMatchObject({ code: -32_601 });
});
