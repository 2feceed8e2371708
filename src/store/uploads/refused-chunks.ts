import { BoundedMap } from "../model/bounded-map.js";

/** More sessions than a client works on at once. The oldest is forgotten beyond this number. */
const maxSessions = 1_000;

/**
 * The places where this process refused chunks, by session. Hosts send calls without waiting for answers: a completion
 * that was sent after such a chunk would publish the content without it.
 */
export class RefusedChunks {
  /** The furthest place of each session, in bytes. */
  readonly #places = new BoundedMap<number>(maxSessions);

  /** Tells whether a chunk of the session was refused, and its place is still empty. */
  isLacking({ id, offset }: { readonly id: string; readonly offset: number }): boolean {
    return offset <= (this.#places.get(id) ?? -1);
  }

  add(session: string, place: number): void {
    this.#places.set(session, Math.max(place, this.#places.get(session) ?? 0));
  }
}
