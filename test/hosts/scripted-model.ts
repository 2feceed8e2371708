import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { HttpAnswer, ModelRequest, Reply, Wire } from "./wires/wire.js";

/** A request of the host that waits for the model's reply. */
interface Turn {
  readonly request: ModelRequest;
  answer(reply: Reply): void;
}

/** A model on the loopback interface that replies as a test tells it to. */
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
  /** Rejects if a request cannot be read. Never resolves. */
  readonly failed = new Promise<never>((_resolve, reject) => {
    this.#fail = reject;
  });

  constructor(wire: Wire) {
    this.#wire = wire;
    this.failed.catch(() => undefined); // whoever waits for a turn gets the error
  }

  /** @returns the origin of the model, without a final slash */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** The requests so far, one per line, for the message of a failed test. */
  seen(): string {
    return this.#seen.join("\n");
  }

  /** Resolves with the turn that the host waits for. The turn stays first in line until it is answered. */
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
   * Makes the host call a tool, and waits until the host asks for the next turn.
   *
   * @param name the end of the tool's name, because each host adds a prefix
   * @returns the result as the host tells it to the model
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
      // Hosts also ask for a title or a summary besides the conversation.
      send(this.#wire.write({ say: "ok" }, path, body));
    }
  }
}
