import type { Source } from "../source.js";

/** A source that remembers why it could not be read, so that this is not taken for damaged content. */
export class FailingSource implements Source {
  readonly #source: Source;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: Source) {
    this.#source = source;
  }

  get key(): string {
    return this.#source.key;
  }

  get mimeType(): string {
    return this.#source.mimeType;
  }

  get bytes(): number {
    return this.#source.bytes;
  }

  async read(start: number, length: number): Promise<Uint8Array> {
    try {
      return await this.#source.read(start, length);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /** Returns `error` if it does not come from the source. @throws the error of the source */
  failureOr(error: unknown): unknown {
    if (this.#failure !== undefined) throw this.#failure.error;
    return error;
  }
}
