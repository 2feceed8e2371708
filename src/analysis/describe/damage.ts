import type { PartialReason } from "../../store/ports/description.js";

/** The content is not what its format says. Readers catch it, and answer what they found until there. */
export class Damage extends Error {
  override readonly name = "Damage";
}

/** @param message one sentence that says what is wrong, and where */
export function damaged(message: string): PartialReason {
  return { reason: "damaged", message };
}

/** The reason of damage that a reader found. Other errors are thrown again. */
export function damageOf(error: unknown): PartialReason {
  if (error instanceof Damage) return damaged(error.message);
  throw error;
}
