import type { ServerResponse } from "node:http";
import type { Event, EventStream } from "./event-log.js";

/** How much is written before the client has to have read it. */
const maxSliceBytes = 256 * 1024;

const noBytes = Buffer.alloc(0);

export interface EventWriterCallbacks<Stream extends EventStream> {
  /** Called when an event was written completely. */
  onWritten(event: Event<Stream>): void;
  /** Called when nothing is left to write to this response. */
  onIdle(response: ServerResponse): void;
}

/** Writes events to a response, in slices: the next slice follows when the client has read the previous one. */
export class EventWriter<Stream extends EventStream> {
  readonly #callbacks: EventWriterCallbacks<Stream>;
  #response: ServerResponse | undefined;
  /** The events that are not written completely. */
  #queue: Event<Stream>[] = [];
  /** The rest of the first event. */
  #pieces: Buffer[] = [];
  #unreadBytes = 0;
  #isWriting = false;
  /** The time when something was last read, or when the first event began to wait. */
  #progressMs = 0;

  constructor(callbacks: EventWriterCallbacks<Stream>) {
    this.#callbacks = callbacks;
  }

  /** The response that events are written to. Undefined if no client is connected. */
  get response(): ServerResponse | undefined {
    return this.#response;
  }

  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  /** How long the client has read nothing, in ms. 0 if no event waits. */
  get stalledMs(): number {
    return this.isEmpty ? 0 : performance.now() - this.#progressMs;
  }

  /** Whether no event waits. */
  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Whether the response has received every event completely, though the client may not have read it. */
  get isBetweenEvents(): boolean {
    const isLastSlice = this.#isWriting && this.#pieces.length === 0;
    return this.#queue.length === (isLastSlice ? 1 : 0);
  }

  connect(response: ServerResponse): void {
    this.#response = response;
  }

  /** Writes nothing more to the response. @returns the events that were not written completely */
  disconnect(): readonly Event<Stream>[] {
    const unwritten = this.#queue;
    this.#response = undefined;
    this.#queue = [];
    this.#pieces = [];
    this.#isWriting = false;
    this.#unreadBytes = 0;
    return unwritten;
  }

  /** Appends an event. `advance` writes it. */
  add(event: Event<Stream>): void {
    if (this.isEmpty) this.#progressMs = performance.now();
    this.#queue.push(event);
    this.#unreadBytes += event.frame.bytes;
  }

  /** Writes the next slice, unless the client has not read the previous one. */
  advance(): void {
    const response = this.#response;
    if (response === undefined || this.#isWriting) return;
    const [event] = this.#queue;
    if (event === undefined) {
      this.#callbacks.onIdle(response);
      return;
    }
    if (this.#pieces.length === 0) this.#pieces = [...event.frame.pieces];
    const piece = this.#pieces.shift() ?? noBytes;
    if (piece.length > maxSliceBytes) this.#pieces.unshift(piece.subarray(maxSliceBytes));
    const slice = piece.subarray(0, maxSliceBytes);
    this.#isWriting = true;
    response.write(slice, (error) => {
      if (error || this.#response !== response) return; // the response closes, or has closed
      this.#isWriting = false;
      this.#countRead(event, slice.length);
      this.advance();
    });
  }

  #countRead(event: Event<Stream>, bytes: number): void {
    this.#progressMs = performance.now();
    this.#unreadBytes -= bytes;
    if (this.#pieces.length > 0) return;
    this.#queue.shift();
    this.#callbacks.onWritten(event);
  }
}
