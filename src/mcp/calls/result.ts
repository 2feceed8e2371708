import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { describeError, isWorthLogging, toArtifactError } from "../../api/failures.js";
import { isCompared, type SessionAnswer, withCommand } from "../../api/upload-command.js";
import { count } from "../../store/model/count.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { Log } from "../../store/ports/log.js";
import { messageForTools } from "./next-steps.js";

/**
 * An answer that holds the same facts twice: hosts show a model only one of the two. Its text may be JSON alone, as the
 * protocol's specification wants it ("Structured Content"): it is what the structured content is.
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
 * A page of a listing. What a host that cuts long answers must not lose comes first: the call for the next page in the
 * first block, the cursor in the structured content.
 *
 * @param args what the page was asked for with
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
 * A session, and what is not plain to see of it: where it takes bytes over HTTP the command that sends them, since a
 * model need not type a file; where it is a conflict, how it goes on.
 */
export function sessionSuccess(session: UploadSession): CallToolResult {
  const answer = withCommand(session);
  const result = success(answer);
  const hint = hintOf(answer);
  return hint === undefined ? result : withText(result, hint);
}

/** The answer with one more block, for what its facts do not say. */
export function withText(result: CallToolResult, text: string): CallToolResult {
  return { ...result, content: [...result.content, { type: "text", text }] };
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
  return `${send}\nIt skips the first ${count(offset, "byte")} without comparing: without -C it sends all, and what is stored is compared. Where curl says that the file is completely uploaded already, nothing was sent: call complete_upload_session.`;
}

/**
 * `code: message`, then a line of JSON with the code and the error's details. Never JSON alone: hosts take a first text
 * that is JSON for structured content where there is none, and check it against the tool's output schema. For the same
 * reason there is none. What went wrong inside is for the log, not for the client.
 */
export function failure(error: unknown, log: Log): CallToolResult {
  const known = toArtifactError(error);
  if (isWorthLogging(known)) log("error", "tool_failed", { code: known.code, error: describeError(error) });
  const facts = JSON.stringify({ code: known.code, ...known.details });
  return { content: [{ type: "text", text: `${known.code}: ${messageForTools(known)}\n${facts}` }], isError: true };
}
