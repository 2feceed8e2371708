import { z } from "zod";
import { defaultPageLimit, largestPageLimit, maxKeyBytes, maxMetadataBytes } from "../store/model/limits.js";

/*
 * Schemas of the arguments and answers that tools and HTTP requests share. They have every rule that a host can check.
 * The rules of a key count bytes after NFC and look at segments, which a schema cannot do: the store checks them, and
 * its error suggests a valid key.
 */

export const bucket = z.string().meta({ description: "Bucket." });

export const key = z.string().meta({ description: "Key." });

/** A bucket that a new artifact goes to. */
export const newBucket = z.string().meta({
  description: "Short name of A-Z a-z 0-9 . _ - (no creating needed).", // its limit depends on the server
});

/** A key that a new artifact gets. */
export const newKey = z.string().meta({
  description: `Like reports/2026/summary.csv; at most ${maxKeyBytes} bytes.`,
});

export const version = z.int().min(1).optional().meta({ description: "The newest if left out." });

/** Without a version all versions are deleted. So it must really be absent: an empty text is refused. */
export const deletedVersion = version.meta({ description: "Only this version; all if left out." });

export const mimeType = z.string().optional().meta({
  description: "Media type; told from the key if left out.",
});

export const metadata = z
  .record(z.string(), z.string())
  .optional()
  .meta({ description: `Facts to find it by, like {"run": "42"}; ${maxMetadataBytes} bytes.` });

/** A digest may be written in upper case. */
const digest = z.string().toLowerCase().optional();

export const contentSha256 = digest.meta({
  description: "SHA-256 of the whole content in hex, if a program computed it.",
});

export const chunkSha256 = digest.meta({
  description: "SHA-256 of this chunk in hex.",
});

export const uploadSize = z
  .int()
  .min(0)
  .optional()
  .meta({ description: "Bytes of the whole content. Leave it out unless you know it exactly." });

export const prefix = z.string().optional().meta({
  description: "The beginning of keys, like reports/2026/. Plain text, no wildcards.",
});

export const delimiter = z.string().optional().meta({ description: 'One character, usually "/".' });

export const sessionId = z.string().meta({ description: "The session's id." });

export const cursor = z.string().optional().meta({ description: "next_cursor of the page before." });

export const largestLimit = z.int().min(1).max(largestPageLimit);

export const limit = largestLimit.default(defaultPageLimit).meta({ description: "Entries on a page." });

const count = z.int().min(0);
const nextCursor = z
  .string()
  .optional()
  .meta({ description: "Pass it as cursor to get the next page; absent on the last." });

export const artifact = z.object({
  bucket: z.string(),
  key: z.string(),
  version: z.int().min(1),
  mime_type: z.string(),
  bytes: count.meta({ description: "Size of the content in bytes." }),
  sha256: z.string().meta({ description: "SHA-256 of the content, hex." }),
  created_at: count.meta({ description: "Unix seconds." }),
  expires_at: count.optional().meta({ description: "Unix seconds." }),
  saved_by: z.string().optional().meta({ description: "Who made this version, as they told it." }),
  uri: z.string().meta({ description: "The artifact as an MCP resource." }),
  url: z.string().optional().meta({ description: "Where the content can be downloaded, where the server offers it." }),
  metadata: z.record(z.string(), z.string()),
  edit: count.optional().meta({ description: "How often metadata or expiry were changed since." }),
  already_saved: z
    .literal(true)
    .optional()
    .meta({ description: "No version was made: this one has the same content, type, metadata and expiry already." }),
  previous_metadata: z
    .record(z.string(), z.string())
    .optional()
    .meta({ description: "Metadata before: a new version lacks some of their names, or they were changed." }),
  previous_expires_at: count.optional().meta({
    description: "Expiry before, unix seconds: a new version does not expire, or it was changed.",
  }),
});

export const bucketSummary = z.object({
  name: z.string(),
  artifacts: count,
  bytes: count.meta({ description: "Bytes of the newest versions." }),
  newest_at: count.meta({ description: "When the newest version was made, unix seconds." }),
});

const size = count
  .nullable()
  .meta({ description: "Declared bytes; null where complete_upload_session ends the upload." });
const status = z.enum(["open", "conflict", "complete", "aborted", "expired"]);
const tail = {
  tail: z.string().optional().meta({ description: "What is stored last: the next chunk follows it." }),
  tail_encoding: z.literal("base64").optional().meta({ description: "The stored bytes are no text." }),
  tail_ends_at: count.optional().meta({
    description: "The stored bytes end inside a character: send text from this offset, with that character.",
  }),
};

export const session = z.object({
  id: z.string(),
  bucket: z.string(),
  key: z.string(),
  mime_type: z.string(),
  url: z.string(),
  command: z
    .string()
    .optional()
    .meta({ description: "For a shell: sends a file and publishes it, with its path in place of FILE." }),
  offset: count.meta({ description: "Bytes stored for good: the offset of the next chunk." }),
  size,
  ...tail,
  status: status.meta({
    description:
      "open, with offset = size: all bytes are there, and it is being published, or its sha256 did not match. conflict: all bytes are there, and if_version was not met.",
  }),
  if_version: z.string().optional().meta({ description: "The guard that its completion has to meet, if any." }),
  expires_in: count.optional().meta({ description: "Seconds that the artifact will live." }),
  metadata: z.record(z.string(), z.string()),
  created_at: count.meta({ description: "Unix seconds." }),
  expires_at: count.meta({ description: "Unix seconds." }),
  artifact: artifact.optional().meta({ description: "What was published; there once status is complete." }),
  open_sessions: z
    .array(z.object({ id: z.string(), offset: count, size, status, created_at: count, ...tail }))
    .optional()
    .meta({ description: "Other unfinished uploads of this key, newest first: continue one, or abort it." }),
});

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ data: z.array(item), next_cursor: nextCursor });
