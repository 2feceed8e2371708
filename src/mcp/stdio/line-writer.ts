import type { Writable } from "node:stream";
import type { SerializedMessage } from "../fast-json/fast-json.js";

export interface LineWriterEvents {
  /** Called when a line was added, written or dropped. */
  onChange(): void;
  /** Called with the reason when the stream has failed or closed. */
  onClosed(reason: string): void;
}

/** Writes lines to a stream, without copying them. When the stream has closed, lines are dropped without an error. */
export class LineWriter {
  readonly #stream: Writable;
  readonly #events: LineWriterEvents;
  /** One function for each line that is not written yet. It resolves the `write` of that line. */
  readonly #unwritten = new Set<() => void>();
  #isClosed = false;

  constructor(stream: Writable, events: LineWriterEvents) {
    this.#stream = stream;
    this.#events = events;
  }

  /** Begins to watch the stream. The listeners stay: a late error without a listener would end the process. */
  start(): void {
    this.#stream.on("error", (error) => this.#close(`stdout failed: ${error.message}`));
    this.#stream.once("close", () => this.#close("stdout closed"));
  }

  /** Whether the output has closed, so that lines are dropped. */
  get outputClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether every line was written, or dropped. */
  get isEmpty(): boolean {
    return this.#unwritten.size === 0;
  }

  /** How many bytes the client has not read. Lines are written as bytes, so the stream counts bytes. */
  get unreadBytes(): number {
    return this.#stream.writableLength;
  }

  /** Resolves when the stream has room for more, or has closed. */
  write({ pieces, release }: SerializedMessage): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const onWritten = (): void => {
        this.#unwritten.delete(onWritten);
        resolve();
        this.#events.onChange();
      };
      this.#unwritten.add(onWritten);
      this.#stream.cork();
      for (const piece of pieces.slice(0, -1)) this.#stream.write(piece);
      const hasRoom = this.#stream.write(pieces.at(-1), () => {
        release();
        onWritten();
      });
      if (hasRoom) resolve();
      this.#stream.uncork();
      this.#events.onChange();
    });
  }

  #close(reason: string): void {
    this.#isClosed = true;
    this.#events.onClosed(reason);
    for (const onWritten of this.#unwritten) onWritten();
    this.#events.onChange();
  }
}
