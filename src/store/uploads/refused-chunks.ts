/** More sessions than a client works on at once. The oldest is forgotten beyond this number. */
const maxSessions = 1_000;

/**
 * The sessions whose last chunk was refused by this process. Hosts send calls without waiting for answers: a completion
 * that was sent after such a chunk would publish the content without it.
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
