/** More sessions than a client works on at once. The oldest is forgotten beyond this number. */
const maxSessions = 1_000;

/**
 * The places where this process refused chunks, by session. Hosts send calls without waiting for answers: a completion
 * that was sent after such a chunk would publish the content without it.
 */
export class RefusedChunks {
  /** The furthest place of each session, in bytes. The session of the newest refusal is last. */
  readonly #places = new Map<string, number>();

  /** Tells whether a chunk of the session was refused, and its place is still empty. */
  isLacking({ id, offset }: { readonly id: string; readonly offset: number }): boolean {
    return offset <= (this.#places.get(id) ?? -1);
  }

  add(session: string, place: number): void {
    const furthest = Math.max(place, this.#places.get(session) ?? 0);
    this.#places.delete(session);
    this.#places.set(session, furthest);
    const [oldest] = this.#places.keys();
    if (this.#places.size > maxSessions && oldest !== undefined) this.#places.delete(oldest);
  }
}
