/** More than a client works on at once. */
const maxSessions = 1_000;

/**
 * Where chunks were refused here, by session, until bytes are stored behind that place. Hosts send calls without waiting
 * for answers: a completion that was sent behind such a chunk would publish only what came before it.
 */
export class RefusedChunks {
  /** The furthest offset of each. */
  readonly #offsets = new Map<string, number>();

  has(session: string): boolean {
    return this.#offsets.has(session);
  }

  /** @param offset where the chunk would have begun; 0 if it did not say so */
  add(session: string, offset: number): void {
    this.#offsets.set(session, Math.max(offset, this.#offsets.get(session) ?? 0));
    const [oldest] = this.#offsets.keys();
    if (this.#offsets.size > maxSessions && oldest !== undefined) this.#offsets.delete(oldest);
  }

  /** @param end where the bytes end that are stored by now */
  stored(session: string, end: number): void {
    if (end > (this.#offsets.get(session) ?? 0)) this.#offsets.delete(session);
  }
}
