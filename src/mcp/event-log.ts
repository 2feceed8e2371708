import type { EventStore } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";

interface Event {
  readonly id: string;
  readonly stream: string;
  readonly text: string;
}

/** What was sent last to one client, so that one who lost the connection hears it again. */
export class EventLog implements EventStore {
  readonly #maxChars: number;
  /** In the order in which they were sent. */
  readonly #events = new Map<string, Event>();
  #chars = 0;
  #last = 0;

  /** @param maxChars of JSON; past it the oldest are forgotten */
  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    this.#last += 1;
    const event = { id: String(this.#last), stream, text: JSON.stringify(message) };
    this.#events.set(event.id, event);
    this.#chars += event.text.length;
    for (const oldest of this.#events.values()) {
      if (this.#chars <= this.#maxChars) break;
      this.#events.delete(oldest.id);
      this.#chars -= oldest.text.length;
    }
    return event.id;
  }

  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return this.#events.get(id)?.stream;
  }

  async replayEventsAfter(
    id: string,
    { send }: { send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const from = this.#events.get(id);
    if (from === undefined) throw new Error("the event is not known any more");
    let isBehind = false;
    for (const event of [...this.#events.values()]) {
      if (isBehind && event.stream === from.stream && event.text !== "{}") await send(event.id, JSON.parse(event.text));
      isBehind ||= event.id === id;
    }
    return from.stream;
  }
}
