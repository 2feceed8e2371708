import { z } from "zod";

/*
 * Schemas of arguments that guard, limit or edit what is kept.
 */

/** A guard that can name an edit too, as text: `3.1` is version 3 with edit 1. See `guardArgument`. */
export const versionGuard = z
  .union([z.int().min(0), z.string()])
  .optional()
  .meta({
    description:
      'Guard: 0 if the key must not exist, n if version n must be its newest, "n.e" if that version was edited e times.',
  });

export const expiresIn = z.string().optional().meta({
  description: "How long the artifact is kept, from 1h to 365d, like 12h or 30d; for good if left out.",
});

export const newExpiresIn = z.string().optional().meta({
  description: "How long the artifact is kept from now on, from 1h to 365d; never: for good.",
});

export const merge = z.boolean().optional().meta({
  description:
    "Set the given pairs and keep the others; an empty text removes its pair. Otherwise metadata replaces all.",
});
