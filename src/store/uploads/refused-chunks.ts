/** More than a client works on at once. */
const maxSessions = 1_000;

/**
 * The sessions whose last chunk was refused here. Hosts send calls without waiting for answers: a completion that was
 * sent behind such a chunk would publish only what came before it.
 */
export class RefusedChunks {
  readonly #sessions = new Set<string>();

  has(session: string): boolean {
    return this.#sessions.has(session);
  }

  add(session: string): void {
    this.#sessions.add(session);
    const [oldest] = this.#sessions;
    if (this.#sessions.size > maxSessions && oldest !== undefined) this.#sessions.delete(oldest);
  }

  delete(session: string): void {
    this.#sessions.delete(session);
  }
}
