import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { expect } from "vitest";
import { type Arguments, answerIn } from "../support/mcp-client.js";

/** What a server must offer to an agent: tool calls. */
export interface Tools {
  call(tool: string, args: Arguments): Promise<CallToolResult>;
}

/** An agent that counts what its calls cost it. */
export interface Agent {
  /** Calls a tool and returns what the model reads: all text of the answer. */
  call(tool: string, args: Arguments): Promise<string>;
  /** Goes on with another server, for example after the first one was killed. The costs go on too. */
  moveTo(tools: Tools): void;
  /** The characters of all answers. */
  answered(): number;
  /** Checks what the task has cost: the number of calls, and the characters of all arguments and answers. */
  expectAtMost(calls: number, characters: number): void;
}

/** Its calls must succeed. */
export function createAgent(first: Tools): Agent {
  let tools = first;
  let calls = 0;
  let characters = 0;
  let answered = 0;
  return {
    async call(tool, args) {
      const result = await tools.call(tool, args);
      const text = result.content.map((block) => (block.type === "text" ? block.text : "")).join("\n");
      calls += 1;
      answered += text.length;
      characters += JSON.stringify(args).length + text.length;
      expect(answerIn(result)?.error, `${tool} ${JSON.stringify(args).slice(0, 200)}`).toBeUndefined();
      return text;
    },
    moveTo(other) {
      tools = other;
    },
    answered: () => answered,
    expectAtMost(mostCalls, mostCharacters) {
      expect({ calls, characters }).toEqual({ calls, characters: Math.min(characters, mostCharacters) });
      expect(calls).toBeLessThanOrEqual(mostCalls);
    },
  };
}

/** A value of the JSON that an answer begins with. */
export const factOf = (text: string, name: string): unknown => JSON.parse(text.split("\n")[0] ?? "")[name];
