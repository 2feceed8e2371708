import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { maxMessageBytes } from "../store/model/limits.js";
import type { Log } from "../store/ports/log.js";
import { EventLog } from "./event-log.js";

/** Clients at a time; past it the one that was quiet longest has to begin again. */
const maxSessions = 256;
/** What is kept for a client that loses its connection, in characters of JSON. */
const maxEventChars = 8 * 1024 * 1024;

interface Session {
  readonly server: Server;
  readonly transport: StreamableHTTPServerTransport;
}

/** Serves any number of clients over one path. */
export interface McpEndpoint {
  /** A request that may be here: who sent it has been looked at. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): Promise<void>;
}

/** @param newServer a server for one client */
export function createMcpEndpoint(newServer: () => Server, log: Log): McpEndpoint {
  /** In the order of their last use. */
  const sessions = new Map<string, Session>();

  async function begin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const server = newServer();
    let hasBegun = false;
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => {
        hasBegun = true;
        add(id, { server, transport });
      },
      onsessionclosed: (id) => void sessions.delete(id),
      eventStore: new EventLog(maxEventChars),
      maxRequestBodySize: maxMessageBytes,
    });
    // The SDK's own class, whose optional members are typed in another way than its own interface has them.
    await server.connect(transport as Transport);
    try {
      await transport.handleRequest(request, response);
    } finally {
      if (!hasBegun) await server.close();
    }
  }

  function add(id: string, session: Session): void {
    sessions.set(id, session);
    for (const [oldest, { server }] of sessions) {
      if (sessions.size <= maxSessions) break;
      sessions.delete(oldest);
      log("warn", "mcp_session_dropped", { max_sessions: maxSessions });
      server.close().catch((error) => log("warn", "mcp_session_not_closed", { error: String(error) }));
    }
  }

  return {
    async handle(request, response) {
      const id = request.headers["mcp-session-id"];
      if (typeof id !== "string") return begin(request, response);
      const session = sessions.get(id);
      if (session === undefined) return refuse(response);
      sessions.delete(id);
      sessions.set(id, session);
      await session.transport.handleRequest(request, response);
    },
    async close() {
      await Promise.all([...sessions.values()].map(({ server }) => server.close()));
      sessions.clear();
    },
  };
}

/** As the protocol has it: the client then begins a new session. */
function refuse(response: ServerResponse): void {
  const error = { code: -32_001, message: "Session not found: initialize again, without Mcp-Session-Id." };
  response.writeHead(404, { "content-type": "application/json" });
  response.end(JSON.stringify({ jsonrpc: "2.0", error, id: null }));
}
