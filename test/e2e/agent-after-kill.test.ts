import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { createAgent, type Tools } from "../agents/agent.js";
import { temporaryDirectory } from "../support/directories.js";
import { patience } from "../support/patience.js";
import { type ServerProcess, startServer } from "../support/server-process.js";

const toolsOf = ({ client }: ServerProcess): Tools => ({
  call: async (name, args) => (await client.callTool({ name, arguments: args }, undefined, patience)) as CallToolResult,
});

it("an agent that uploads 120 KB goes on after its server was killed, and sends no chunk twice", async () => {
  const root = await temporaryDirectory();
  const here = { bucket: "data", key: "large.txt" };
  const chunks = Array.from({ length: 5 }, (_, n) => `${n}`.repeat(24 * 1024));
  let server = await startServer(root);
  const agent = createAgent(toolsOf(server));
  const factsOf = (text: string) => JSON.parse(text.split("\n")[0] ?? "");
  const { id } = factsOf(await agent.call("create_upload_session", here));
  let offset = 0;
  for (const [n, data] of chunks.entries()) {
    if (n === 3) {
      await server.kill();
      server = await startServer(root);
      agent.moveTo(toolsOf(server));
      const known = factsOf(await agent.call("get_upload_session", { session_id: id }));
      expect(known).toMatchObject({ offset, tail: "2".repeat(300) });
    }
    offset = factsOf(await agent.call("upload_chunk", { session_id: id, offset, data })).offset;
  }
  await agent.call("complete_upload_session", { session_id: id });
  const { content } = await toolsOf(server).call("read_artifact", { ...here, length: 5 * 24 * 1024 });
  expect(content[1]).toEqual({ type: "text", text: chunks.join("") });
  agent.expectAtMost(8, 5 * 24 * 1024 + 1_800);
});
