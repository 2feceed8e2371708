/** How often the reserved bodies are checked while others wait. */
const checkMs = 1_000;

/** A request body that has, or waits for, a part of the budget. */
export interface Reservation {
  /** The most bytes that the body may bring. */
  readonly bytes: number;
  /** Returns how much has arrived, or any other number that changes when something arrives. */
  progress(): number;
  /** Called when the client sent nothing while others waited. The reservation is released after the call. */
  evict(): void;
}

interface Entry {
  bytes: number;
  isComplete: boolean;
  progress: number;
  /** The time of the last progress. */
  progressMs: number;
}

/**
 * Limits the total size of request bodies in memory, from before they are read until their requests are answered.
 * Reservations that fit are granted in order; a small one may overtake a larger one that does not fit. A body that
 * brings nothing for a while is evicted if others wait.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  readonly #stalledMs: number;
  readonly #granted = new Map<Reservation, Entry>();
  /** In the order of their arrival. */
  readonly #waiting = new Map<Reservation, () => void>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param stalledMs how long a body may bring nothing while others wait */
  constructor(maxBytes: number, stalledMs: number) {
    this.#maxBytes = maxBytes;
    this.#stalledMs = stalledMs;
  }

  /** The number of reservations that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves when the reservation is granted, or was released. */
  async reserve(reservation: Reservation): Promise<void> {
    if (this.#bytes + reservation.bytes <= this.#maxBytes) {
      this.#grant(reservation);
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.set(reservation, resolve);
      this.#timer ??= setInterval(() => this.#evictStalled(), Math.min(checkMs, this.#stalledMs)).unref();
    });
  }

  /** The whole body has arrived, so it cannot be evicted any more. @param bytes its actual size */
  complete(reservation: Reservation, bytes: number): void {
    const entry = this.#granted.get(reservation);
    if (entry === undefined) return;
    entry.isComplete = true;
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
    this.#grantWaiting();
  }

  release(reservation: Reservation): void {
    const wake = this.#waiting.get(reservation);
    this.#waiting.delete(reservation);
    wake?.();
    this.#bytes -= this.#granted.get(reservation)?.bytes ?? 0;
    this.#granted.delete(reservation);
    this.#grantWaiting();
  }

  #grantWaiting(): void {
    for (const [next, wake] of this.#waiting) {
      if (this.#bytes + next.bytes > this.#maxBytes) continue;
      this.#waiting.delete(next);
      this.#grant(next);
      wake();
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #grant(reservation: Reservation): void {
    const { bytes } = reservation;
    this.#bytes += bytes;
    const entry = { bytes, isComplete: false, progress: reservation.progress(), progressMs: performance.now() };
    this.#granted.set(reservation, entry);
  }

  #evictStalled(): void {
    const now = performance.now();
    for (const [reservation, entry] of [...this.#granted]) {
      if (entry.isComplete) continue;
      const progress = reservation.progress();
      if (progress !== entry.progress) {
        entry.progress = progress;
        entry.progressMs = now;
      } else if (now - entry.progressMs >= this.#stalledMs) {
        reservation.evict();
        this.release(reservation);
      }
    }
  }
}
