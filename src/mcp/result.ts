import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { describe, isWorthLogging, toArtifactError } from "../shapes/failures.js";
import type { Log } from "../store/log.js";
import { heldNext, type UploadSession } from "../store/upload-session.js";

/** An answer that holds the same facts twice: hosts show a model only one of the two. */
export function success(structuredContent: object): CallToolResult {
  return {
    content: [{ type: "text", text: JSON.stringify(structuredContent) }],
    structuredContent: { ...structuredContent },
  };
}

/**
 * A session, and what is not plain to see of it: where it takes bytes over HTTP the command that sends them, since a
 * model need not type a file; where it is held, how it goes on.
 */
export function sessionSuccess(session: UploadSession, { hasUrls }: { readonly hasUrls: boolean }): CallToolResult {
  const result = success(session);
  const hint = hintOf(session, hasUrls);
  return hint === undefined ? result : { ...result, content: [...result.content, { type: "text", text: hint }] };
}

function hintOf(session: UploadSession, hasUrls: boolean): string | undefined {
  if (session.status === "held") return heldNext(session.if_version);
  return hasUrls && session.status === "open" ? uploadHint(session) : undefined;
}

function uploadHint({ url, offset, size }: UploadSession): string {
  const end = size === null ? ' -H "Upload-Complete: ?1"' : "";
  const rest = offset === 0 ? "" : ` -C ${offset}`;
  const where = offset === 0 ? "" : `, from byte ${offset} on`;
  const ended =
    offset > 0 && size === null
      ? "\nWhere curl says that the file is completely uploaded already, nothing was sent: call complete_upload_session."
      : "";
  return `To send a file from a shell${where}, whatever its size, run this with its path in place of FILE: curl${rest}${end} -T FILE "${url}"${ended}`;
}

/**
 * `{"error":{"code","message",...details}}` as text; no `structuredContent`, which clients would check against the
 * tool's output schema. What went wrong inside is for the log, not for the client.
 */
export function failure(error: unknown, log: Log): CallToolResult {
  const known = toArtifactError(error);
  if (isWorthLogging(known)) log("error", "tool_failed", { code: known.code, error: describe(error) });
  const text = JSON.stringify({ error: { code: known.code, message: known.message, ...known.details } });
  return { content: [{ type: "text", text }], isError: true };
}
