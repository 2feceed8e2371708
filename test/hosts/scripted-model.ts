import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { HttpAnswer, ModelRequest, Reply, Wire } from "./wires/wire.js";

/** A turn that a host waits for. */
interface Turn {
  readonly request: ModelRequest;
  answer(reply: Reply): void;
}

/** A model on loopback that says what a test tells it to. */
export class ScriptedModel {
  readonly #wire: Wire;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => {
      response.writeHead(500).end();
      this.#fail(error);
    });
  });
  readonly #turns: Turn[] = [];
  readonly #seen: string[] = [];
  #arrived: (() => void) | undefined;
  #calls = 0;
  #fail: (error: unknown) => void = () => undefined;
  /** Rejects where a request cannot be read; never resolves. */
  readonly failed = new Promise<never>((_resolve, reject) => {
    this.#fail = reject;
  });

  constructor(wire: Wire) {
    this.#wire = wire;
    this.failed.catch(() => undefined); // who waits for a turn hears of it
  }

  /** @returns its origin, without a final slash */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** The requests so far, a line each: for the message of a test that fails. */
  seen(): string {
    return this.#seen.join("\n");
  }

  /** The turn that the host waits for now, once it does; it stays in line until it is answered. */
  async turn(): Promise<Turn> {
    for (;;) {
      const [first] = this.#turns;
      if (first !== undefined) return first;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /**
   * Has the host call a tool, and waits until it asks for the next turn.
   *
   * @param name the end of the tool's name, since each host puts something in front of it
   * @returns what the model is told of the result
   */
  async call(name: string, args: object): Promise<string> {
    const before = (await this.turn()).request;
    const tool = before.tools.find((each) => each.endsWith(name));
    if (tool === undefined) throw new Error(`the host offers no ${name}, but: ${before.tools.join(", ")}`);
    this.#calls += 1;
    await this.#answer({ call: { tool, args, id: `call_${this.#calls}` } });
    const { results } = (await this.turn()).request;
    const last = results.at(-1);
    if (results.length !== before.results.length + 1 || last === undefined) {
      throw new Error(`the host sent ${results.length} results after ${before.results.length} and one call`);
    }
    return last;
  }

  /** Ends the conversation. */
  async say(words: string): Promise<void> {
    await this.#answer({ say: words });
  }

  async #answer(reply: Reply): Promise<void> {
    (await this.turn()).answer(reply);
    this.#turns.shift();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const body = request.method === "POST" ? JSON.parse(await text(request)) : undefined;
    const asked = body === undefined ? undefined : this.#wire.read(path, body);
    const isTurn = asked !== undefined && asked.tools.length > 0;
    this.#seen.push(`${request.method} ${path} ${isTurn ? "a turn" : ""}`);
    const send = ({ type, body }: HttpAnswer) => response.writeHead(200, { "content-type": type }).end(body);
    if (asked === undefined) {
      const found = this.#wire.other(path);
      response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(found ?? { error: { type: "not_found_error", message: path } }));
    } else if (isTurn) {
      this.#turns.push({ request: asked, answer: (reply) => send(this.#wire.write(reply, path, body)) });
      this.#arrived?.();
    } else {
      // A title, a summary: what hosts ask beside the conversation.
      send(this.#wire.write({ say: "ok" }, path, body));
    }
  }
}
