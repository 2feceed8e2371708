import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Log } from "../../store/ports/log.js";
import { RefusedRequest, sessionNotFoundCode } from "./http-exchange.js";
import { HttpTransport, type HttpTransportShared } from "./http-transport.js";

export interface HttpSessionsLimits {
  /** The number of sessions at a time. If it is exceeded, the least recently used one ends. */
  readonly maxSessions: number;
  readonly mcpSessionIdleMs: number;
}

interface Session {
  readonly server: Server;
  readonly transport: HttpTransport;
  /** The number of HTTP requests whose response has not ended, including open streams. */
  openResponses: number;
  idleTimer: NodeJS.Timeout | undefined;
}

/** The sessions of HTTP clients, each with a server of its own. A session without requests and streams ends in time. */
export class HttpSessions {
  readonly #newServer: () => Server;
  readonly #shared: HttpTransportShared;
  readonly #log: Log;
  readonly #limits: HttpSessionsLimits;
  /** In the order of their last use, the least recent first. */
  readonly #sessions = new Map<string, Session>();
  #isFinishing = false;

  constructor(newServer: () => Server, shared: HttpTransportShared, log: Log, limits: HttpSessionsLimits) {
    this.#newServer = newServer;
    this.#shared = shared;
    this.#log = log;
    this.#limits = limits;
  }

  get isFinishing(): boolean {
    return this.#isFinishing;
  }

  async begin(): Promise<HttpTransport> {
    const server = this.#newServer();
    const transport = new HttpTransport(randomUUID(), this.#shared);
    const { sessionId } = transport;
    const session: Session = { server, transport, openResponses: 0, idleTimer: undefined };
    transport.onclose = () => {
      clearTimeout(session.idleTimer);
      this.#sessions.delete(sessionId);
    };
    await server.connect(transport);
    this.#sessions.set(sessionId, session);
    if (this.#sessions.size > this.#limits.maxSessions) this.#dropLeastUsed(session);
    return transport;
  }

  find(id: string): HttpTransport | undefined {
    return this.#sessions.get(id)?.transport;
  }

  /** Marks the session as used. It does not become idle before `response` has ended. */
  use({ sessionId }: HttpTransport, response: ServerResponse): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    this.#sessions.delete(sessionId);
    this.#sessions.set(sessionId, session);
    clearTimeout(session.idleTimer);
    session.openResponses += 1;
    response.once("close", () => {
      session.openResponses -= 1;
      if (session.openResponses === 0) this.#endWhenIdle(session);
    });
  }

  async end({ sessionId }: HttpTransport): Promise<void> {
    await this.#sessions.get(sessionId)?.server.close();
  }

  /** Call this when no more requests will come. Resolves when no call of any client is running. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    await Promise.all([...this.#sessions.values()].map(({ transport }) => transport.finish()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(({ server }) => server.close()));
  }

  #endWhenIdle(session: Session): void {
    const { transport } = session;
    if (transport.isClosed) return;
    session.idleTimer = setTimeout(() => {
      if (transport.isIdle) this.#drop(session, "mcp_session_idle");
      else this.#endWhenIdle(session); // a call goes on, although its client is not connected
    }, this.#limits.mcpSessionIdleMs).unref();
  }

  /** Prefers sessions without a connected client. */
  #dropLeastUsed(newest: Session): void {
    const others = [...this.#sessions.values()].filter((session) => session !== newest);
    const leastUsed = others.find(({ openResponses }) => openResponses === 0) ?? others[0];
    if (leastUsed !== undefined) this.#drop(leastUsed, "mcp_session_dropped");
  }

  #drop({ server, transport }: Session, event: string): void {
    const isWarning = event === "mcp_session_dropped";
    this.#log(isWarning ? "warn" : "debug", event, { sessions: this.#sessions.size });
    this.#sessions.delete(transport.sessionId);
    server.close().catch((error) => this.#log("warn", "mcp_session_not_closed", { error: String(error) }));
  }
}

/** MCP, "Session Management": the status 404 tells the client to begin a new session. */
export function sessionNotFound(): RefusedRequest {
  return new RefusedRequest(404, sessionNotFoundCode, "Session not found: initialize again, without Mcp-Session-Id.");
}
