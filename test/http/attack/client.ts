import type { Chance } from "./chance.js";
import { must } from "./model.js";
import type { Running, Seat } from "./servers.js";
import { initialize, initialized, isAnsweredByMcp, mcpRequest } from "./upload-protocols.js";
import { exchange, type Manner, type WireAnswer, type WireRequest } from "./wire.js";

const traceLines = 60;

/** A client that sends requests to any of the servers, one after the other or several at once. */
export class Client {
  readonly name: string;
  readonly chance: Chance;
  readonly #seats: readonly Seat[];
  readonly #mcpSessions = new WeakMap<Running, string>();
  #labels = 0;
  requests = 0;
  /** Its last requests and answers, to find the cause of a failure. */
  readonly trace: string[] = [];

  constructor(name: string, chance: Chance, seats: readonly Seat[]) {
    this.name = name;
    this.chance = chance;
    this.#seats = seats;
  }

  /** Returns a name that was not used before. */
  label(kind: string): string {
    this.#labels += 1;
    return `${this.name}/${kind}-${this.#labels}`;
  }

  async server(): Promise<Running> {
    return this.chance.pick(this.#seats).running;
  }

  note(line: string): void {
    this.trace.push(line);
    if (this.trace.length > traceLines) this.trace.shift();
  }

  /** Returns the id of an MCP session with this server; an invalid one if the server is stopping. */
  async mcpSession(server: Running): Promise<string> {
    const known = this.#mcpSessions.get(server);
    if (known !== undefined) return known;
    const answer = await this.ask(server, mcpRequest(initialize));
    const session = answer?.headers["mcp-session-id"];
    if (session === undefined) return "none";
    this.#mcpSessions.set(server, session);
    await this.ask(server, mcpRequest(initialized, { "mcp-session-id": session }));
    return session;
  }

  /** Returns the answer; undefined only if the client has broken off its request, or the server is stopping. */
  async ask(
    server: Running,
    request: WireRequest,
    manner: Manner = { kind: "plain" },
  ): Promise<WireAnswer | undefined> {
    this.requests += 1;
    const answer = await exchange(server.port, request, manner, this.chance);
    this.note(
      `${server.port} ${inShort(request)} ${JSON.stringify(manner)}\n    ${answer === undefined ? "no answer" : answerInShort(answer)}`,
    );
    // A stopping server first ends its MCP sessions and their calls.
    if (server.isEnding && request.path === "/mcp" && answer !== undefined && !isAnsweredByMcp(answer))
      return undefined;
    return this.accept(server, answer, manner.kind === "cut");
  }

  /** Checks that a request got an answer, unless it was broken off, and that the server did not fail. */
  accept(server: Running, answer: WireAnswer | undefined, isCut = false): WireAnswer | undefined {
    if (answer === undefined) {
      must(isCut || server.isEnding, "a request got no answer");
      return undefined;
    }
    if (answer.status < 500) return answer;
    must(answer.status === 503 && server.isEnding, `a request was answered ${answer.status}: ${answer.body}`);
    return undefined; // a later look shows what the request did
  }
}

const dull = ["authorization", "accept", "content-type", "mcp-session-id"];

function inShort({ method, path, headers, body }: WireRequest): string {
  const about = Object.entries(headers).filter(([name]) => !dull.includes(name));
  const text = path === "/mcp" ? `${body.subarray(33, 230)} (${body.length} bytes)` : `${body.length} bytes`;
  return `${method} ${path.slice(0, 64)} ${JSON.stringify(Object.fromEntries(about))} ${text}`;
}

function answerInShort({ status, headers, body }: WireAnswer): string {
  return `${status} at ${headers["upload-offset"] ?? "?"} ${body
    .toString()
    .replace(/^event: .*\nid: .*\n/, "")
    .slice(0, 400)}`;
}
