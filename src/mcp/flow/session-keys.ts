/** Of an upload session: where it publishes. */
export interface SessionKey {
  readonly bucket: string;
  readonly key: string;
}

/** More than a client works on at once. */
const maxSessions = 1_000;

/** Which key each upload session is for, as a client's answers have told: calls name most sessions by their id alone. */
export class SessionKeys {
  readonly #keys = new Map<string, SessionKey>();

  of(id: string): SessionKey | undefined {
    return this.#keys.get(id);
  }

  /** @param answer `structuredContent` of any tool. @returns whether it told of a session that was not known */
  learn(answer: unknown): boolean {
    const { data } = (answer ?? {}) as { data?: unknown };
    const sessions = (Array.isArray(data) ? data : [answer]).filter(isSession);
    const others = sessions.filter(({ id }) => !this.#keys.has(id));
    for (const { id, bucket, key } of others) this.#keys.set(id, { bucket, key });
    for (const id of this.#keys.keys()) {
      if (this.#keys.size <= maxSessions) break;
      this.#keys.delete(id);
    }
    return others.length > 0;
  }
}

function isSession(value: unknown): value is SessionKey & { readonly id: string } {
  const { id, bucket, key, offset } = (value ?? {}) as Record<string, unknown>;
  return typeof id === "string" && typeof bucket === "string" && typeof key === "string" && offset !== undefined;
}
