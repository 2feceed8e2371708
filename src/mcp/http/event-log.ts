/** What a message costs beside its own bytes, about. */
const bytesAround = 512;
/** Who has taken nothing for this long may be cut off at once where there is no room left. */
const hastyMs = 1_000;

/** Whose messages they are: all of one stream come and go in order. */
export interface EventStream {
  /** Nothing has been taken of its messages for this long, in ms; 0 where none wait. */
  readonly stalledMs: number;
  /** Its messages are not kept any more: whoever is connected to it has to be cut off. */
  cut(): void;
}

export interface Event<Stream extends EventStream = EventStream> {
  readonly id: string;
  readonly stream: Stream;
  readonly frame: Frame;
}

/** A message as it goes over the wire. */
export interface Frame {
  readonly pieces: readonly Buffer[];
  /** Of all pieces. */
  readonly bytes: number;
  /** Nobody wants the pieces any more: they may become another message's. */
  release(): void;
}

/**
 * The messages of all clients on their way out: those that wait to be read, and behind them those that were read, so
 * that a client that has lost its connection hears them again. Together they stay within a number of bytes as long as
 * clients read: what was read is forgotten first, the oldest first, and then the client that has stood still longest is
 * cut off.
 */
export class EventLog<Stream extends EventStream = EventStream> {
  readonly #maxBytes: number;
  readonly #unread = new Map<string, Event<Stream>>();
  /** Of each stream in the order in which they were sent. */
  readonly #kept = new Map<string, Event<Stream>>();
  #unreadBytes = 0;
  #keptBytes = 0;
  #last = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  get bytes(): number {
    return this.#unreadBytes + this.#keptBytes;
  }

  /** @param frameOf the message, which may name its id */
  add(stream: Stream, frameOf: (id: string) => Frame): Event<Stream> {
    this.#last += 1;
    const id = String(this.#last);
    const event = { id, stream, frame: frameOf(id) };
    this.#unread.set(id, event);
    this.#unreadBytes += costOf(event);
    this.#forgetOldest();
    this.cutOverfull();
    return event;
  }

  /** Nobody waits for it any more. It is kept, so that it can be told again, unless `isKept` is false. */
  settle(event: Event<Stream>, isKept = true): void {
    if (!this.#unread.delete(event.id)) return;
    this.#unreadBytes -= costOf(event);
    if (!isKept) {
      event.frame.release();
      return;
    }
    this.#kept.set(event.id, event);
    this.#keptBytes += costOf(event);
    this.#forgetOldest();
  }

  find(id: string): Event<Stream> | undefined {
    return this.#kept.get(id) ?? this.#unread.get(id);
  }

  /** What the stream of a kept event has sent behind it; each has to be settled again. */
  takeAfter({ id, stream }: Event<Stream>): Event<Stream>[] {
    const behind = [...this.#kept.values()].filter((event) => event.stream === stream && isAfter(event.id, id));
    for (const event of behind) {
      this.#kept.delete(event.id);
      this.#keptBytes -= costOf(event);
      this.#unread.set(event.id, event);
      this.#unreadBytes += costOf(event);
    }
    return behind;
  }

  /** All messages of some streams. */
  forget(isForgotten: (stream: Stream) => boolean): void {
    for (const event of [...this.#unread.values(), ...this.#kept.values()]) {
      if (isForgotten(event.stream)) this.#drop(event);
    }
  }

  /** Where what is unread alone is past the limit, cuts the stream off that has stood still longest. */
  cutOverfull(): boolean {
    return this.#unreadBytes > this.#maxBytes && this.cutStalled(hastyMs);
  }

  /** Cuts the stream off that has stood still longest, if that is `ms` or more. */
  cutStalled(ms: number): boolean {
    let slowest: Stream | undefined;
    for (const { stream } of this.#unread.values()) {
      if (stream.stalledMs >= Math.max(ms, slowest?.stalledMs ?? 0)) slowest = stream;
    }
    if (slowest === undefined) return false;
    this.forget((stream) => stream === slowest);
    slowest.cut();
    return true;
  }

  #drop(event: Event<Stream>): void {
    if (this.#unread.delete(event.id)) this.#unreadBytes -= costOf(event);
    if (this.#kept.delete(event.id)) this.#keptBytes -= costOf(event);
  }

  #forgetOldest(): void {
    for (const event of this.#kept.values()) {
      if (this.bytes <= this.#maxBytes) return;
      this.#drop(event);
      event.frame.release(); // it was written, or its connection is lost
    }
  }
}

function costOf({ frame }: Event): number {
  return frame.bytes + bytesAround;
}

function isAfter(id: string, other: string): boolean {
  return Number(id) > Number(other);
}
