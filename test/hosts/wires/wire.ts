/** A request of a host to a model, in any wire format. */
export interface ModelRequest {
  /** The names of the tools that the model may call, as the host writes them. */
  readonly tools: readonly string[];
  /** The results of the tool calls so far, oldest first, each as the text that the model sees. */
  readonly results: readonly string[];
}

/** The reply of the model. */
export type Reply =
  | { readonly say: string }
  | { readonly call: { readonly tool: string; readonly args: object; readonly id: string } };

export interface HttpAnswer {
  readonly type: "application/json" | "text/event-stream";
  readonly body: string;
}

/** One wire format between a host and a model. */
export interface Wire {
  /** @returns undefined if `path` does not ask for a turn of the model */
  read(path: string, body: unknown): ModelRequest | undefined;
  /** The answer to the request that was given to `read`. */
  write(reply: Reply, path: string, body: unknown): HttpAnswer;
  /** The answer to a request that asks for no turn. Returns undefined for 404. */
  other(path: string): object | undefined;
}

export const json = (value: object): HttpAnswer => ({ type: "application/json", body: JSON.stringify(value) });

/** Server-sent events, each named by its `type` if it has one. */
export function events(values: readonly object[], ...last: string[]): HttpAnswer {
  const named = values.map((value) => {
    const name = "type" in value ? `event: ${String(value.type)}\n` : "";
    return `${name}data: ${JSON.stringify(value)}\n\n`;
  });
  return { type: "text/event-stream", body: [...named, ...last.map((line) => `data: ${line}\n\n`)].join("") };
}

/** The text of content that is a string, or a list of blocks, some of them with text. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return JSON.stringify(content);
  return content.map((block) => (typeof block?.text === "string" ? block.text : JSON.stringify(block))).join("\n");
}
