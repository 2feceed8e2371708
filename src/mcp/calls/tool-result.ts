import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { describeError, isWorthLogging, toArtifactError } from "../../api/failures.js";
import { isCompared, type SessionAnswer, withCommand } from "../../api/upload-command.js";
import { count } from "../../store/model/count.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { Log } from "../../store/ports/log.js";
import { messageForTools } from "./message-for-tools.js";

/**
 * An answer that holds the same facts as text and as structured content, because hosts show a model only one of the two.
 * The text is the JSON of the structured content, as the protocol's specification says ("Structured Content").
 */
export function success(structuredContent: object): CallToolResult {
  return {
    content: [{ type: "text", text: JSON.stringify(structuredContent) }],
    structuredContent: { ...structuredContent },
  };
}

/** One page of a listing. */
interface ListPage {
  readonly data: readonly unknown[];
  readonly prefixes?: readonly string[];
  readonly next_cursor?: string | undefined;
}

/**
 * A page of a listing. Some hosts cut long answers, so what must not be lost comes first: the call for the next page in
 * the first block, and the cursor in the structured content.
 *
 * @param args the arguments of the call that asked for this page
 */
export function pageSuccess(tool: string, args: object, page: ListPage): CallToolResult {
  const entries = page.data.length + (page.prefixes?.length ?? 0);
  const rest =
    page.next_cursor === undefined
      ? "This is the last page."
      : `Next page: ${tool} ${JSON.stringify({ ...args, cursor: page.next_cursor })}`;
  const { content, structuredContent } = success(cursorFirst(page));
  const where = `${entries} ${entries === 1 ? "entry" : "entries"} on this page. ${rest}`;
  return { content: [{ type: "text", text: where }, ...content], structuredContent };
}

/** The same page, with its cursor in front of its entries. */
export function cursorFirst<Page extends ListPage>({ next_cursor, ...entries }: Page): object {
  return next_cursor === undefined ? entries : { next_cursor, ...entries };
}

/**
 * A session, with a hint if one helps: how to resolve a conflict, or the command that sends a file over HTTP, so that the
 * model need not type the file.
 */
export function sessionSuccess(session: UploadSession): CallToolResult {
  const answer = withCommand(session);
  const result = success(answer);
  const hint = hintOf(answer);
  return hint === undefined ? result : withText(result, hint);
}

/** The answer with one more text block. */
export function withText(result: CallToolResult, text: string): CallToolResult {
  return { ...result, content: [...result.content, { type: "text", text }] };
}

function hintOf(session: SessionAnswer): string | undefined {
  if (session.status === "conflict") return conflictHint(session);
  return session.command === undefined ? undefined : uploadHint(session.command, session.offset);
}

function conflictHint({ if_version }: UploadSession): string {
  const why =
    if_version === undefined ? "the key has a newer version by now" : `its if_version, ${if_version}, was not met`;
  return `This upload has all its bytes and is not published: ${why}. Call complete_upload_session with if_version set to the newest version of the key (get_artifact tells it; 0 if it finds nothing) to publish on top, or abort_upload_session.`;
}

function uploadHint(command: string, offset: number): string {
  const send = `To send a file from a shell and publish it, whatever its size, run this with its path in place of FILE: ${command}`;
  if (offset === 0) return send;
  if (isCompared(offset)) return `${send}\nBytes that are already stored are compared with the file, not stored twice.`;
  return `${send}\nIt skips the first ${count(offset, "byte")} and does not compare them. Without -C it sends the whole file, and the stored bytes are compared. If curl says that the file is already completely uploaded, it has sent nothing: call complete_upload_session.`;
}

/**
 * The answer for an error: `code: message`, then a line of JSON with the code and the error's details. It is never JSON
 * alone and has no structured content. Hosts check structured content against the tool's output schema, and without any
 * they take a first text that is JSON for it. An internal cause goes to the log, not to the client.
 */
export function failure(error: unknown, log: Log): CallToolResult {
  const known = toArtifactError(error);
  if (isWorthLogging(known)) log("error", "tool_failed", { code: known.code, error: describeError(error) });
  const facts = JSON.stringify({ code: known.code, ...known.details });
  return { content: [{ type: "text", text: `${known.code}: ${messageForTools(known)}\n${facts}` }], isError: true };
}
