import { BoundedMap } from "../../store/model/bounded-map.js";

/** The bucket and key that an upload session publishes to. */
export interface SessionKey {
  readonly bucket: string;
  readonly key: string;
}

/** More sessions than a client uses at once. The oldest one is forgotten first. */
const maxSessions = 1_000;

/**
 * Remembers the key of each upload session. Most calls name a session by its id only. The key is known from earlier
 * answers to the same client.
 */
export class SessionKeys {
  readonly #keys = new BoundedMap<SessionKey>(maxSessions);

  /** Returns undefined if the key of this session is not known. */
  of(id: string): SessionKey | undefined {
    return this.#keys.get(id);
  }

  /** @param answer `structuredContent` of any tool. @returns whether it holds a session that was not known */
  learn(answer: unknown): boolean {
    const { data } = (answer ?? {}) as { data?: unknown };
    const sessions = (Array.isArray(data) ? data : [answer]).filter(isSession);
    const others = sessions.filter(({ id }) => this.#keys.get(id) === undefined);
    for (const { id, bucket, key } of others) this.#keys.set(id, { bucket, key });
    return others.length > 0;
  }
}

function isSession(value: unknown): value is SessionKey & { readonly id: string } {
  const { id, bucket, key, offset } = (value ?? {}) as Record<string, unknown>;
  return typeof id === "string" && typeof bucket === "string" && typeof key === "string" && offset !== undefined;
}
