import type { UploadStream } from "./upload-stream.js";

/** The streams that this process is taking now, one for each session at most. */
export class RunningStreams {
  readonly #streams = new Map<string, UploadStream>();
  #isStopping = false;

  has(id: string): boolean {
    return this.#streams.has(id);
  }

  add(id: string, stream: UploadStream): void {
    this.#streams.set(id, stream);
    if (this.#isStopping) void stream.stop();
  }

  /** Forgets a stream that has ended. A newer stream of the session stays. */
  delete(id: string, stream: UploadStream): void {
    if (this.#streams.get(id) === stream) this.#streams.delete(id);
  }

  /** Ends the session's stream. Resolves when all that it has received is stored. */
  async stop(id: string): Promise<void> {
    await this.#streams.get(id)?.stop();
  }

  /** Stores what the session's stream has received so far. */
  async flush(id: string): Promise<void> {
    await this.#streams.get(id)?.flush();
  }

  /** Ends all streams, and each one that is added later. Resolves when all that they have received is stored. */
  async stopAll(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#streams.values()].map((stream) => stream.stop()));
  }
}
