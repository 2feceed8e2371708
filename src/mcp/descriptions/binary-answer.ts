import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { briefText, plainOrQuoted } from "../../api/descriptions/brief-text.js";
import type { Insight } from "../../store/insight/insight.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import { isTextType, isUntyped } from "../../store/model/formats/media-type.js";
import type { Description } from "../../store/ports/description.js";
import { readCall } from "../content/read-call.js";

/** Columns, entries or tensors that are named. */
const maxNames = 8;

/**
 * Says what content is that is no text, and how to look into it.
 *
 * @param notUtf8 a sentence that says so of content under a text type
 * @throws ArtifactError `corrupt`
 */
export async function binaryAnswer(
  insight: Pick<Insight, "brief">,
  artifact: Artifact,
  notUtf8?: string,
  signal?: AbortSignal,
): Promise<CallToolResult> {
  const description = await describedWithinLimits(insight, artifact, signal);
  const { bytes, version, mime_type } = artifact;
  const parts = [
    `Not shown: version ${version} is ${description === undefined ? mime_type : briefText(description)}, ${count(bytes, "byte")}.`,
    notUtf8 ?? "",
    ...(description === undefined ? [] : factsOf(description)),
    ...(description === undefined ? [] : rightType(artifact, description)),
    ...waysToRead(artifact, description),
  ];
  const text = parts.filter((part) => part !== "").join(" ");
  return { content: [{ type: "text", text }], _meta: { offset: 0, length: 0, bytes } };
}

/** Undefined if a limit stopped the description, or it failed: how to read the bytes can be said without it. */
async function describedWithinLimits(
  insight: Pick<Insight, "brief">,
  { bucket, key, version }: Artifact,
  signal?: AbortSignal,
): Promise<Description | undefined> {
  try {
    return (await insight.brief({ bucket, key, version }, signal)).description;
  } catch (error) {
    const isOfAnalysis = error instanceof ArtifactError && (error.code === "too_large" || error.code === "internal");
    if (isOfAnalysis && signal?.aborted !== true) return undefined;
    throw error;
  }
}

function factsOf({ partial, table, archive, tensors }: Description): string[] {
  const names = table?.column_details ?? archive?.list ?? tensors?.list ?? [];
  const all = table?.columns ?? archive?.entries ?? tensors?.tensors ?? 0;
  const what = table !== undefined ? "Columns" : archive !== undefined ? "Entries" : "Tensors";
  const shown = names.slice(0, maxNames).map(({ name }) => plainOrQuoted(name));
  const rest = all > shown.length ? ` and ${all - shown.length} more` : "";
  const isLimit = partial?.reason === "time" || partial?.reason === "memory"; // that is no fact about the content
  return [isLimit ? "" : (partial?.message ?? ""), shown.length === 0 ? "" : `${what}: ${shown.join(", ")}${rest}.`];
}

/** Says which type the content should have, where its type says nothing, or says that it is text and it is not. */
function rightType({ mime_type }: Artifact, { mime_type: found, compression, text, format }: Description): string[] {
  const right = compression === undefined ? found : "application/gzip";
  const isText = text !== undefined && compression === undefined;
  const isWrong = isUntyped(mime_type) || (isTextType(mime_type) && !isText && format !== "unknown");
  if (!isWrong || right === undefined || right === mime_type || isUntyped(right)) return [];
  const why = right.startsWith("image/") ? "To see it," : `It is stored as ${mime_type}: to give it its type,`;
  return [`${why} save or import it again with mime_type ${right} (update_artifact cannot change the type).`];
}

function waysToRead(artifact: Artifact, description: Description | undefined): string[] {
  const { format, table, text, compression, archive, tensors } = description ?? {};
  const isText = text !== undefined && compression === undefined;
  return [
    table === undefined ? "" : `Rows: ${readCall(artifact, { rows: 5 })}.`,
    isText && text.encoding === "utf-8" ? "encoding utf8 shows it as text." : "",
    isText && text.encoding !== "utf-8" ? `As text: ${readCall(artifact, { line: 1 })}.` : "",
    format === "text" && compression !== undefined
      ? `Unpacked: ${readCall(artifact, { line: 1 })}, and find looks for a text in its lines.`
      : "",
    table !== undefined || archive !== undefined || tensors !== undefined ? "describe_artifact says more." : "",
    "encoding base64 reads the bytes.",
  ];
}
