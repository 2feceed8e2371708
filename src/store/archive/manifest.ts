import { z } from "zod";
import { checkMetadata, sha256Pattern } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { isMimeType } from "../model/formats/media-type.js";
import { largestLeastVersion } from "../model/limits.js";
import { isBucket } from "../model/names/bucket-name.js";
import { isKey } from "../model/names/key-name.js";
import { quote } from "../model/quote.js";
import { isFileName, manifestName, plainName } from "./archive-names.js";
import { listItems, listText } from "./list-file.js";

/** One artifact of an export. */
export interface ManifestEntry {
  readonly bucket: string;
  readonly key: string;
  readonly version: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly mime_type: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The name of its file in the export. */
  readonly file: string;
}

const entrySchema = z.strictObject({
  bucket: z.string().refine(isBucket, "is no bucket name"),
  key: z.string().refine(isKey, "is no key"),
  version: z.int().positive().max(largestLeastVersion),
  bytes: z.int().nonnegative(),
  sha256: z.string().regex(sha256Pattern, "is not 64 lower-case hex digits"),
  mime_type: z.string().refine(isMimeType, "is no media type"),
  metadata: z.record(z.string(), z.string()).refine(isMetadata, "is not as the store takes it"),
  file: z.string().refine(isFileName, "is no name of a file in the export").optional(),
});

/**
 * The text of a manifest, part by part. Each artifact has a line, so that `diff` shows which ones differ.
 *
 * @param entries in the order of their buckets and keys
 */
export function manifestText(entries: readonly ManifestEntry[]): Generator<string, void, undefined> {
  return listText(member, textsOf(entries));
}

const member = "artifacts";

function* textsOf(entries: readonly ManifestEntry[]): Generator<string, void, undefined> {
  for (const entry of entries) yield entryText(entry);
}

function entryText({ bucket, key, version, bytes, sha256, mime_type, metadata, file }: ManifestEntry): string {
  // Clients give names in any order, and equal artifacts must have equal lines.
  const sorted = Object.fromEntries(
    Object.entries(metadata).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
  const facts = { bucket, key, version, bytes, sha256, mime_type, metadata: sorted };
  return JSON.stringify(file === plainName(facts) ? facts : { ...facts, file });
}

/** Reads the lines of a manifest. @throws ArtifactError `invalid_argument` with one line that says what is wrong */
export async function* manifestEntries(lines: AsyncIterable<string>): AsyncGenerator<ManifestEntry, void, undefined> {
  const seen = new Set<string>();
  for await (const item of listItems(member, lines, wrongManifest)) {
    const parsed = entrySchema.safeParse(item);
    if (!parsed.success) throw wrongManifest(`${member}[${seen.size}]${firstProblem(parsed.error)}`);
    const { file, ...facts } = parsed.data;
    const name = plainName(facts);
    if (seen.has(name)) throw wrongManifest(`it names ${quote(name)} twice`);
    seen.add(name);
    yield { ...facts, file: file ?? name };
  }
}

/** The first thing that is wrong, like `.sha256: is not 64 lower-case hex digits`. */
function firstProblem({ issues: [issue] }: z.ZodError): string {
  if (issue === undefined) return " cannot be read";
  const place = issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return `${place}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
}

export function wrongManifest(problem: string, cause?: unknown): ArtifactError {
  const message = `${manifestName} is not as an export writes it: ${problem}.`;
  return new ArtifactError("invalid_argument", message, { details: { argument: "path" }, cause });
}

function isMetadata(metadata: Readonly<Record<string, string>>): boolean {
  try {
    checkMetadata(metadata);
    return true;
  } catch (error) {
    if (error instanceof ArtifactError) return false;
    throw error;
  }
}
