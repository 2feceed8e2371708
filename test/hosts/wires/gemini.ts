import { z } from "zod";
import { events, json, textOf, type Wire } from "./wire.js";

const functionResponse = z.looseObject({ response: z.looseObject({}) });
const request = z.object({
  tools: z.array(z.object({ functionDeclarations: z.array(z.object({ name: z.string() })).default([]) })).default([]),
  contents: z.array(z.object({ parts: z.array(z.looseObject({ functionResponse: functionResponse.optional() })) })),
});

/** The generateContent and streamGenerateContent APIs of Google. */
export const gemini: Wire = {
  read(path, body) {
    if (!/:(streamG|g)enerateContent$/.test(path)) return undefined;
    const { tools, contents } = request.parse(body);
    const answers = contents.flatMap(({ parts }) => parts.flatMap(({ functionResponse }) => functionResponse ?? []));
    return {
      tools: tools.flatMap(({ functionDeclarations }) => functionDeclarations.map(({ name }) => name)),
      results: answers.map(({ response }) => textOf(response["output"] ?? response["error"] ?? response)),
    };
  },
  write(reply, path) {
    const part =
      "say" in reply
        ? { text: reply.say }
        : { functionCall: { id: reply.call.id, name: reply.call.tool, args: reply.call.args } };
    const answer = {
      candidates: [{ index: 0, finishReason: "STOP", content: { role: "model", parts: [part] } }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    };
    return path.endsWith(":streamGenerateContent") ? events([answer]) : json(answer);
  },
  other: (path) => (path.endsWith(":countTokens") ? { totalTokens: 1 } : undefined),
};
