import { z } from "zod";
import { events, json, type Reply, textOf, type Wire } from "./wire.js";

const request = z.object({
  stream: z.boolean().default(false),
  model: z.string(),
  tools: z.array(z.object({ name: z.string(), defer_loading: z.boolean().optional() })).default([]),
  messages: z.array(z.object({ content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]) })),
});

/** The Messages API of Anthropic. */
export const anthropic: Wire = {
  read(path, body) {
    if (path !== "/v1/messages") return undefined;
    const { tools, messages } = request.parse(body);
    const blocks = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
    return {
      tools: tools.filter(({ defer_loading }) => !defer_loading).map(({ name }) => name),
      results: blocks.filter(({ type }) => type === "tool_result").map(({ content }) => textOf(content)),
    };
  },
  write(reply, _path, body) {
    const { stream, model } = request.parse(body);
    const usage = { input_tokens: 1, output_tokens: 1 };
    const stop_reason = "call" in reply ? "tool_use" : "end_turn";
    const message = { id: "msg_1", type: "message", role: "assistant", model, stop_sequence: null, usage };
    if (!stream) return json({ ...message, stop_reason, content: [blockOf(reply)] });
    return events([
      { type: "message_start", message: { ...message, stop_reason: null, content: [] } },
      { type: "content_block_start", index: 0, content_block: { ...blockOf(reply), ...empty(reply) } },
      { type: "content_block_delta", index: 0, delta: deltaOf(reply) },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage },
      { type: "message_stop" },
    ]);
  },
  other: (path) => (path === "/v1/messages/count_tokens" ? { input_tokens: 1 } : undefined),
};

function blockOf(reply: Reply): object {
  if ("say" in reply) return { type: "text", text: reply.say };
  const { id, tool, args } = reply.call;
  return { type: "tool_use", id, name: tool, input: args };
}

/** The content of a block before its first delta. */
const empty = (reply: Reply): object => ("say" in reply ? { text: "" } : { input: {} });

function deltaOf(reply: Reply): object {
  return "say" in reply
    ? { type: "text_delta", text: reply.say }
    : { type: "input_json_delta", partial_json: JSON.stringify(reply.call.args) };
}
