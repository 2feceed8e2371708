import { z } from "zod";
import { checkMetadata, sha256Pattern } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { isMimeType } from "../model/formats/media-type.js";
import { largestLeastVersion } from "../model/limits.js";
import { isBucket } from "../model/names/bucket-name.js";
import { isKey } from "../model/names/key-name.js";
import { quote } from "../model/quote.js";
import { isFileName, manifestName, plainName } from "./archive-names.js";

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

/** The form of an export. The number rises when an older program could not read it. */
export const archiveFormat = "artifacts-mcp-export/1";

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

const manifestSchema = z.strictObject({ format: z.literal(archiveFormat), artifacts: z.array(entrySchema) });

/**
 * The text of a manifest, part by part. Each artifact has a line, so that `diff` shows which ones differ.
 *
 * @param entries in the order of their buckets and keys
 */
export function* manifestText(entries: readonly ManifestEntry[]): Generator<string, void, undefined> {
  yield `{\n  "format": ${JSON.stringify(archiveFormat)},\n  "artifacts": [`;
  for (const [index, entry] of entries.entries()) yield `${index === 0 ? "\n" : ",\n"}    ${entryText(entry)}`;
  yield entries.length === 0 ? "]\n}\n" : "\n  ]\n}\n";
}

function entryText({ bucket, key, version, bytes, sha256, mime_type, metadata, file }: ManifestEntry): string {
  // Clients give names in any order, and equal artifacts must have equal lines.
  const sorted = Object.fromEntries(
    Object.entries(metadata).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
  const facts = { bucket, key, version, bytes, sha256, mime_type, metadata: sorted };
  return JSON.stringify(file === plainName(facts) ? facts : { ...facts, file });
}

/** Reads a manifest. @throws ArtifactError `invalid_argument` with one line that says what is wrong */
export function parseManifest(text: string): ManifestEntry[] {
  const parsed = manifestSchema.safeParse(jsonIn(text));
  if (!parsed.success) throw wrongManifest(firstProblem(parsed.error));
  const seen = new Set<string>();
  return parsed.data.artifacts.map(({ file, ...facts }) => {
    const name = plainName(facts);
    if (seen.has(name)) throw wrongManifest(`it names ${quote(name)} twice`);
    seen.add(name);
    return { ...facts, file: file ?? name };
  });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wrongManifest("it is no JSON", cause);
  }
}

/** The first thing that is wrong, like `artifacts[3].sha256 is not 64 lower-case hex digits`. */
function firstProblem(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return "it cannot be read";
  const place = issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  if (place === ".format") return `its format is not ${archiveFormat}, which is what this program reads`;
  const message = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  return `${place === "" ? "" : `${place.replace(/^\./, "")}: `}${message}`;
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
