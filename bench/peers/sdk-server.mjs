// A minimal server with the SDK's high-level class and the SDK's stdio transport. It decodes a chunk and writes it, without
// a sync, a digest or a row.
// Usage: node sdk-server.mjs <folder>
import { open } from "node:fs/promises";
import { join } from "node:path";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const [folder = ""] = process.argv.slice(2);
const files = new Map();
const server = new McpServer({ name: "minimal", version: "0" });

server.registerTool(
  "upload_chunk",
  {
    inputSchema: {
      session_id: z.string(),
      offset: z.number(),
      data: z.string(),
      encoding: z.enum(["utf8", "base64"]).default("utf8"),
    },
  },
  async ({ session_id, offset, data, encoding }) => {
    if (!files.has(session_id)) files.set(session_id, await open(join(folder, session_id), "w"));
    const bytes = Buffer.from(data, encoding);
    await files.get(session_id).write(bytes, 0, bytes.length, offset);
    return { content: [{ type: "text", text: JSON.stringify({ offset: offset + bytes.length }) }] };
  },
);

await server.connect(new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize: 64 * 1024 * 1024 }));
process.stdin.on("end", () => process.exit());
