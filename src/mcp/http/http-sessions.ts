import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Log } from "../../store/ports/log.js";
import { HttpTransport, type HttpTransportShared } from "./http-transport.js";

export interface HttpSessionsLimits {
  /** Clients at a time; past it one of those that were quiet longest has to begin again. */
  readonly maxSessions: number;
  readonly mcpSessionIdleMs: number;
}

interface Session {
  readonly server: Server;
  readonly transport: HttpTransport;
  /** Requests of HTTP whose answer has not ended, streams among them. */
  open: number;
  idle: NodeJS.Timeout | undefined;
}

/** The clients over HTTP, each with a server of its own. One without a request or a stream ends after a while. */
export class HttpSessions {
  readonly #newServer: () => Server;
  readonly #shared: HttpTransportShared;
  readonly #log: Log;
  readonly #limits: HttpSessionsLimits;
  /** In the order of their last use. */
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
    const session: Session = { server, transport, open: 0, idle: undefined };
    transport.onclose = () => {
      clearTimeout(session.idle);
      this.#sessions.delete(sessionId);
    };
    await server.connect(transport);
    this.#sessions.set(sessionId, session);
    if (this.#sessions.size > this.#limits.maxSessions) this.#dropQuietest(session);
    return transport;
  }

  find(id: string): HttpTransport | undefined {
    return this.#sessions.get(id)?.transport;
  }

  /** The session does not end before `response` has ended. */
  use({ sessionId }: HttpTransport, response: ServerResponse): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    this.#sessions.delete(sessionId);
    this.#sessions.set(sessionId, session);
    clearTimeout(session.idle);
    session.open += 1;
    response.once("close", () => {
      session.open -= 1;
      if (session.open === 0) this.#endWhereIdle(session);
    });
  }

  async end({ sessionId }: HttpTransport): Promise<void> {
    await this.#sessions.get(sessionId)?.server.close();
  }

  /** Nothing new will come. Resolves once no call of any client is under way. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    await Promise.all([...this.#sessions.values()].map(({ transport }) => transport.finish()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(({ server }) => server.close()));
  }

  #endWhereIdle(session: Session): void {
    const { transport } = session;
    if (transport.isClosed) return;
    session.idle = setTimeout(() => {
      if (transport.isIdle) this.#drop(session, "mcp_session_idle");
      else this.#endWhereIdle(session); // a call goes on without its client
    }, this.#limits.mcpSessionIdleMs).unref();
  }

  /** Of those that nobody is connected to, if there are any. */
  #dropQuietest(newest: Session): void {
    const others = [...this.#sessions.values()].filter((session) => session !== newest);
    const quietest = others.find(({ open }) => open === 0) ?? others[0];
    if (quietest !== undefined) this.#drop(quietest, "mcp_session_dropped");
  }

  #drop({ server, transport }: Session, event: string): void {
    const isWarning = event === "mcp_session_dropped";
    this.#log(isWarning ? "warn" : "debug", event, { sessions: this.#sessions.size });
    this.#sessions.delete(transport.sessionId);
    server.close().catch((error) => this.#log("warn", "mcp_session_not_closed", { error: String(error) }));
  }
}
