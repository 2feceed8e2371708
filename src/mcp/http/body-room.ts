/** How often those in the room are looked at, while others wait. */
const lookMs = 1_000;

/** A body that is in the room, or wants in. */
export interface Guest {
  /** How much it may bring, in bytes. */
  readonly bytes: number;
  /** How much of it has come so far, or anything else that grows as it comes. */
  progress(): number;
  /** Its client brings nothing while others wait: it has to leave. */
  expel(): void;
}

interface Place {
  bytes: number;
  isComplete: boolean;
  progress: number;
  /** Since when nothing has come. */
  sinceMs: number;
}

/**
 * Holds the bodies of requests within a number of bytes together, from before they are read until their requests are
 * answered. The first that fits comes in. One that brings nothing for a while has to leave once others wait.
 */
export class BodyRoom {
  readonly #maxBytes: number;
  readonly #stalledMs: number;
  readonly #inside = new Map<Guest, Place>();
  /** In the order of their arrival. */
  readonly #waiting = new Map<Guest, () => void>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param stalledMs how long a body may bring nothing while others wait */
  constructor(maxBytes: number, stalledMs: number) {
    this.#maxBytes = maxBytes;
    this.#stalledMs = stalledMs;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves once there is room, or the guest has left. */
  async enter(guest: Guest): Promise<void> {
    if (this.#bytes + guest.bytes <= this.#maxBytes) {
      this.#seat(guest);
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.set(guest, resolve);
      this.#timer ??= setInterval(() => this.#look(), Math.min(lookMs, this.#stalledMs)).unref();
    });
  }

  /** All of the body is here: it may stay as long as its requests take. @param bytes what it has brought */
  complete(guest: Guest, bytes: number): void {
    const place = this.#inside.get(guest);
    if (place === undefined) return;
    place.isComplete = true;
    this.#bytes += bytes - place.bytes;
    place.bytes = bytes;
    this.#admit();
  }

  leave(guest: Guest): void {
    const wake = this.#waiting.get(guest);
    this.#waiting.delete(guest);
    wake?.();
    this.#bytes -= this.#inside.get(guest)?.bytes ?? 0;
    this.#inside.delete(guest);
    this.#admit();
  }

  #admit(): void {
    for (const [next, enter] of this.#waiting) {
      if (this.#bytes + next.bytes > this.#maxBytes) continue;
      this.#waiting.delete(next);
      this.#seat(next);
      enter();
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #seat(guest: Guest): void {
    this.#bytes += guest.bytes;
    const { bytes } = guest;
    this.#inside.set(guest, { bytes, isComplete: false, progress: guest.progress(), sinceMs: performance.now() });
  }

  #look(): void {
    const now = performance.now();
    for (const [guest, place] of [...this.#inside]) {
      if (place.isComplete) continue;
      const progress = guest.progress();
      if (progress !== place.progress) {
        place.progress = progress;
        place.sinceMs = now;
      } else if (now - place.sinceMs >= this.#stalledMs) {
        guest.expel();
        this.leave(guest);
      }
    }
  }
}
