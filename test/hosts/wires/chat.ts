import { z } from "zod";
import { events, json, type Reply, textOf, type Wire } from "./wire.js";

const request = z.object({
  stream: z.boolean().default(false),
  model: z.string(),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).default([]),
  messages: z.array(z.looseObject({ role: z.string(), content: z.unknown().optional() })),
});

/** The Chat Completions API of OpenAI. */
export const chat: Wire = {
  read(path, body) {
    if (!path.endsWith("/chat/completions")) return undefined;
    const { tools, messages } = request.parse(body);
    return {
      tools: tools.map((tool) => tool.function.name),
      results: messages.filter(({ role }) => role === "tool").map(({ content }) => textOf(content)),
    };
  },
  write(reply, _path, body) {
    const { stream, model } = request.parse(body);
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const finish_reason = "call" in reply ? "tool_calls" : "stop";
    const about = { id: "chat_1", created: 1, model };
    const message = { role: "assistant", ...contentOf(reply) };
    if (!stream) {
      const choices = [{ index: 0, message, finish_reason }];
      return json({ ...about, object: "chat.completion", choices, usage });
    }
    const chunk = { ...about, object: "chat.completion.chunk" };
    return events(
      [
        { ...chunk, choices: [{ index: 0, delta: message, finish_reason: null }] },
        { ...chunk, choices: [{ index: 0, delta: {}, finish_reason }] },
        { ...chunk, choices: [], usage },
      ],
      "[DONE]",
    );
  },
  other: (path) => (path.endsWith("/models") ? { object: "list", data: [] } : undefined),
};

function contentOf(reply: Reply): object {
  if ("say" in reply) return { content: reply.say };
  const { id, tool, args } = reply.call;
  const called = { name: tool, arguments: JSON.stringify(args) };
  return { content: null, tool_calls: [{ index: 0, id, type: "function", function: called }] };
}
