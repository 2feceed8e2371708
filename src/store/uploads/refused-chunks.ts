/** More than a client works on at once. */
const maxSessions = 1_000;

/**
 * Where chunks were refused here, by session. Hosts send calls without waiting for answers: a completion that was sent
 * behind such a chunk would publish only what came before it.
 */
export class RefusedChunks {
  /** The furthest place of each session, in bytes; the last refused last. */
  readonly #places = new Map<string, number>();

  /** Whether a chunk was refused, and nothing is stored in its place yet. */
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
