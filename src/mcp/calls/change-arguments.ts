import { z } from "zod";
import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import type { CopySource } from "../../store/uploads/copy-source.js";

/*
 * Schemas of arguments that guard, limit or delete what is kept, and of times. Each has one short description.
 */

/** Text that hosts may send as an integer. Any other number is refused: 3.1 and 3.10 would be the same. */
const textOrInteger = z
  .preprocess((value) => (Number.isSafeInteger(value) ? String(value) : value), z.string())
  .optional();

/** The version that an upload begins with. */
export const fromVersion = textOrInteger.meta({
  description: 'Begin with the content of this version of the key: its number, or "newest".',
});

export const ifVersion = textOrInteger.meta({
  description: 'Guard: "0": must not exist; "3" ("3.1" if edited): must be its newest version.',
});

export const newIfVersion = textOrInteger.meta({ description: "In place of the if_version given at creation." });

export const shortIfVersion = textOrInteger.meta({
  description: 'What must be its newest version, like "3" or "3.1".',
});

export const targetIfVersion = textOrInteger.meta({ description: 'Guard of the target: "0" if it must not exist.' });

export const sourceIfVersion = textOrInteger.meta({ description: "Guard of the source." });

export const expiresIn = z.string().optional().meta({
  description: "1h to 365d: deleted after that time.",
});

export const newExpiresIn = z.string().optional().meta({ description: '1h to 365d from now, or "never".' });

export const createdAfter = textOrInteger.meta({ description: "Day or time, like 2026-03-01 or 2026-03-01T09:30Z." });

export const createdBefore = textOrInteger.meta({ description: "Day or time, itself included." });

/** A key that need not be given: an empty text is refused, not taken for none, where a call could do more without it. */
export const deletedKey = z.string().optional().meta({ description: "Key." });

export const deletedPrefix = z
  .string()
  .optional()
  .meta({ description: 'In place of key: all keys that begin with this, like tmp/; "/" is the whole bucket.' });

/** A caller that sends true is told where the right text comes from. */
export const confirm = z
  .preprocess((value) => (typeof value === "boolean" ? String(value) : value), z.string())
  .optional()
  .meta({ description: "What the same call without it answered." });

/**
 * The version of a key that an upload begins with. Undefined if it begins with none.
 *
 * @throws ArtifactError `invalid_argument`
 */
export function sourceOf(
  place: { readonly bucket: string; readonly key: string },
  from: string | undefined,
): CopySource | undefined {
  if (from === undefined) return undefined;
  const { bucket, key } = place;
  if (from === "newest") return { bucket, key };
  if (/^[1-9]\d{0,14}$/.test(from)) return { bucket, key, version: Number(from) };
  const message = `from is ${quote(from)}, and must be the number of a version, or newest. Nothing was changed.`;
  throw new ArtifactError("invalid_argument", message, { details: { argument: "from" } });
}
