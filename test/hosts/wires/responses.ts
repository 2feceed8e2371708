import { z } from "zod";
import { events, type Reply, textOf, type Wire } from "./wire.js";

interface Tool {
  readonly name?: string | undefined;
  readonly type: string;
  readonly tools?: readonly Tool[] | undefined;
}
const tool: z.ZodType<Tool> = z.looseObject({
  type: z.string(),
  name: z.string().optional(),
  get tools() {
    return z.array(tool).optional();
  },
});
const request = z.object({
  tools: z.array(tool).default([]),
  input: z.array(z.looseObject({ type: z.string().optional(), output: z.unknown().optional() })),
});

/** The streamed Responses API of OpenAI. */
export const responses: Wire = {
  read(path, body) {
    if (!path.endsWith("/responses")) return undefined;
    const { tools, input } = request.parse(body);
    return {
      tools: tools.flatMap(namesOf),
      results: input.filter(({ type }) => type === "function_call_output").map(({ output }) => textOf(output)),
    };
  },
  write(reply) {
    const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    const item = itemOf(reply);
    const response = { id: "resp_1", object: "response", status: "in_progress", output: [] };
    return events([
      { type: "response.created", response },
      { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress" } },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: { ...response, status: "completed", output: [item], usage } },
    ]);
  },
  other: (path) => (path.endsWith("/models") ? { object: "list", data: [], models: [] } : undefined),
};

/** A tool in a namespace is named `NAMESPACE/TOOL` here, because a call gives the two separately. */
function namesOf({ type, name = type, tools }: Tool): string[] {
  return type === "namespace" ? (tools ?? []).flatMap(namesOf).map((each) => `${name}/${each}`) : [name];
}

function itemOf(reply: Reply): object {
  if ("say" in reply) {
    const content = [{ type: "output_text", text: reply.say, annotations: [] }];
    return { type: "message", id: "item_1", role: "assistant", status: "completed", content };
  }
  const { id, tool, args } = reply.call;
  const [name = "", namespace] = tool.split("/").reverse();
  const call = { type: "function_call", id: `fc_${id}`, call_id: id, name, arguments: JSON.stringify(args) };
  return { ...call, status: "completed", ...(namespace === undefined ? {} : { namespace }) };
}
