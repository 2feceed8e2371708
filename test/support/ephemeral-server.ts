import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { answerIn } from "./mcp-client.js";
import { type Answer, initialize, type RawServer, spawnRaw, toolCall } from "./server-process.js";

/** Starts a server with `--ephemeral` whose folder for temporary files is `temporary`, and waits until it serves. */
export async function startEphemeral(temporary: string, ...args: readonly string[]): Promise<RawServer> {
  const server = spawnRaw(["--ephemeral", ...args], { TMPDIR: temporary });
  server.send(initialize, { method: "notifications/initialized" });
  await server.answer(0);
  return server;
}

/** Calls a tool that must succeed, and returns its structured content. */
export async function callOf(server: RawServer, id: number, tool: string, args: object): Promise<Answer> {
  server.send(toolCall(id, tool, args));
  const { result } = await server.answer(id);
  const answer = answerIn(result as CallToolResult);
  if (answer.error !== undefined) throw new Error(`${tool}: ${answer.error.message}`);
  return answer;
}

/** Ends a server by the end of its stdin, or by a signal. Returns its exit code. */
export async function endOf(server: RawServer, signal?: NodeJS.Signals): Promise<number | null> {
  if (signal === undefined) server.child.stdin.end();
  else server.child.kill(signal);
  return server.exited;
}
