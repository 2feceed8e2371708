import type { Frame } from "./message-frame.js";

/** The approximate memory that an event needs besides its frame. */
const overheadBytes = 512;
/** If the log is full, a client that has read nothing for this long is disconnected. */
const fullStalledMs = 1_000;

/** The stream that events belong to. The events of one stream are sent in order. */
export interface EventStream {
  /** How long the client has read nothing of the waiting events, in ms. 0 if none wait. */
  readonly stalledMs: number;
  /** Called when the log has dropped the events of this stream. Disconnects the client. */
  disconnect(): void;
}

export interface Event<Stream extends EventStream = EventStream> {
  readonly id: string;
  readonly stream: Stream;
  readonly frame: Frame;
}

/**
 * Holds the messages of all clients: unread ones, which wait to be written, and read ones, which are kept so that a
 * client that lost its connection can get them again. All messages together stay within a limit in bytes, as long as
 * clients read. If the limit is exceeded, the oldest read messages are dropped first. Then the client that has stalled
 * longest is disconnected.
 */
export class EventLog<Stream extends EventStream = EventStream> {
  readonly #maxBytes: number;
  readonly #unread = new Map<string, Event<Stream>>();
  /** The events of each stream are in the order in which they were sent. */
  readonly #read = new Map<string, Event<Stream>>();
  #unreadBytes = 0;
  #readBytes = 0;
  #lastId = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  get bytes(): number {
    return this.#unreadBytes + this.#readBytes;
  }

  /** Adds an unread event. @param frameOf makes the frame from the event's id */
  add(stream: Stream, frameOf: (id: string) => Frame): Event<Stream> {
    this.#lastId += 1;
    const id = String(this.#lastId);
    const event = { id, stream, frame: frameOf(id) };
    this.#unread.set(id, event);
    this.#unreadBytes += costOf(event);
    this.#dropOldest();
    this.disconnectIfFull();
    return event;
  }

  /** Call this when an event was written or its connection was lost. `isKept` says whether it may be asked for again. */
  settle(event: Event<Stream>, isKept = true): void {
    if (!this.#unread.delete(event.id)) return;
    this.#unreadBytes -= costOf(event);
    if (!isKept) {
      event.frame.release();
      return;
    }
    this.#read.set(event.id, event);
    this.#readBytes += costOf(event);
    this.#dropOldest();
  }

  find(id: string): Event<Stream> | undefined {
    return this.#read.get(id) ?? this.#unread.get(id);
  }

  /** Returns the kept events of a stream after the given one. They count as unread again: settle each of them. */
  takeAfter({ id, stream }: Event<Stream>): Event<Stream>[] {
    const later = [...this.#read.values()].filter((event) => event.stream === stream && isAfter(event.id, id));
    for (const event of later) {
      this.#read.delete(event.id);
      this.#readBytes -= costOf(event);
      this.#unread.set(event.id, event);
      this.#unreadBytes += costOf(event);
    }
    return later;
  }

  /** Drops all events of some streams. */
  forget(isForgotten: (stream: Stream) => boolean): void {
    for (const event of [...this.#unread.values(), ...this.#read.values()]) {
      if (isForgotten(event.stream)) this.#drop(event);
    }
  }

  /** Disconnects a stalled client if the unread events alone exceed the limit. @returns whether it did */
  disconnectIfFull(): boolean {
    return this.#unreadBytes > this.#maxBytes && this.disconnectStalled(fullStalledMs);
  }

  /** Disconnects the client that has stalled longest, if it has stalled for `ms` or more. @returns whether it did */
  disconnectStalled(ms: number): boolean {
    let slowest: Stream | undefined;
    for (const { stream } of this.#unread.values()) {
      if (stream.stalledMs >= Math.max(ms, slowest?.stalledMs ?? 0)) slowest = stream;
    }
    if (slowest === undefined) return false;
    this.forget((stream) => stream === slowest);
    slowest.disconnect();
    return true;
  }

  #drop(event: Event<Stream>): void {
    if (this.#unread.delete(event.id)) this.#unreadBytes -= costOf(event);
    if (this.#read.delete(event.id)) this.#readBytes -= costOf(event);
  }

  #dropOldest(): void {
    for (const event of this.#read.values()) {
      if (this.bytes <= this.#maxBytes) return;
      this.#drop(event);
      event.frame.release(); // nobody writes it any more
    }
  }
}

function costOf({ frame }: Event): number {
  return frame.bytes + overheadBytes;
}

function isAfter(id: string, other: string): boolean {
  return Number(id) > Number(other);
}
