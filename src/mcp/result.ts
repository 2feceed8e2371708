import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { describe, isWorthLogging, toArtifactError } from "../shapes/failures.js";
import { isCompared, type SessionAnswer, withCommand } from "../shapes/upload-command.js";
import type { UploadSession } from "../store/model/upload-session.js";
import type { Log } from "../store/ports/log.js";
import { messageForTools } from "./next-steps.js";

/** An answer that holds the same facts twice: hosts show a model only one of the two. */
export function success(structuredContent: object): CallToolResult {
  return {
    content: [{ type: "text", text: JSON.stringify(structuredContent) }],
    structuredContent: { ...structuredContent },
  };
}

/**
 * A session, and what is not plain to see of it: where it takes bytes over HTTP the command that sends them, since a
 * model need not type a file; where it is a conflict, how it goes on.
 */
export function sessionSuccess(session: UploadSession): CallToolResult {
  const answer = withCommand(session);
  const result = success(answer);
  const hint = hintOf(answer);
  return hint === undefined ? result : { ...result, content: [...result.content, { type: "text", text: hint }] };
}

function hintOf(session: SessionAnswer): string | undefined {
  if (session.status === "conflict") return conflictHint(session);
  return session.command === undefined ? undefined : uploadHint(session.command, session.offset);
}

function conflictHint({ if_version }: UploadSession): string {
  const why =
    if_version === undefined ? "the key got a newer version meanwhile" : `its if_version, ${if_version}, was not met`;
  return `This upload has all its bytes and is not published: ${why}. Call complete_upload_session with if_version set to the newest version of the key (get_artifact tells it; 0 if it finds nothing) to publish on top, or abort_upload_session.`;
}

function uploadHint(command: string, offset: number): string {
  const send = `To send a file from a shell and publish it, whatever its size, run this with its path in place of FILE: ${command}`;
  if (offset === 0) return send;
  if (isCompared(offset)) return `${send}\nWhat is stored already is compared with the file, not stored twice.`;
  return `${send}\nIt skips the first ${offset} bytes without comparing them: without -C it sends all, and what is stored is compared. Where curl says that the file is completely uploaded already, nothing was sent: call complete_upload_session.`;
}

/**
 * `{"error":{"code","message",...details}}` as text; no `structuredContent`, which clients would check against the
 * tool's output schema. What went wrong inside is for the log, not for the client.
 */
export function failure(error: unknown, log: Log): CallToolResult {
  const known = toArtifactError(error);
  if (isWorthLogging(known)) log("error", "tool_failed", { code: known.code, error: describe(error) });
  const text = JSON.stringify({ error: { code: known.code, message: messageForTools(known), ...known.details } });
  return { content: [{ type: "text", text }], isError: true };
}
