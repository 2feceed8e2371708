import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { failureFacts, isWorthLogging, toArtifactError } from "../../api/failures.js";
import { isCompared, type SessionAnswer, withCommand } from "../../api/upload-command.js";
import type { AlreadyDeleted, DeletedArtifact } from "../../store/artifacts/artifact-deletion.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import { defaultPageLimit } from "../../store/model/limits.js";
import type { OpenSession, UploadSession } from "../../store/model/upload-session.js";
import type { Log } from "../../store/ports/log.js";
import { createdText, editedText, progressText, publishedText, sessionText } from "./answer-text.js";
import { openSessionLine } from "./list-lines.js";
import { messageForTools } from "./message-for-tools.js";

/**
 * An answer as structured content, and as text for hosts that show a model only that. Both tell the same: what the text
 * leaves out follows from the call.
 */
export function success(structuredContent: object, text = JSON.stringify(structuredContent)): CallToolResult {
  return { content: [{ type: "text", text }], structuredContent: { ...structuredContent } };
}

/** An artifact that a call has made or changed. @param given the arguments of the call */
export function published(artifact: Artifact, given: object): CallToolResult {
  return success(artifact, publishedText(artifact, given));
}

/** An artifact after a change of its metadata or expiry. @param given the arguments of the call */
export function edited(artifact: Artifact, given: object): CallToolResult {
  return success(artifact, editedText(artifact, given));
}

/** A deletion of one artifact. @param given the arguments of the call */
export function deleted(answer: DeletedArtifact | AlreadyDeleted, given: object): CallToolResult {
  return success(answer, "already_deleted" in answer ? JSON.stringify(answer) : publishedText(answer, given));
}

/** A session after a call that has changed it. */
export function sessionProgress(session: UploadSession): CallToolResult {
  return success(session, progressText(session));
}

/** An upload of a local file: the artifact, as a save answers it, unless it is still being published. */
export function imported(session: UploadSession, given: object): CallToolResult {
  const { artifact } = session;
  return success(session, artifact === undefined ? sessionText(session, given) : publishedText(artifact, given));
}

/** One page of a listing. */
interface ListPage {
  readonly data: readonly unknown[];
  readonly prefixes?: readonly string[];
  readonly next_cursor?: string | undefined;
}

/** A tool that lists, and its arguments that the call for the next page need not repeat. */
interface Lister {
  readonly tool: string;
  readonly defaults: Readonly<Record<string, unknown>>;
}

const usual = { limit: defaultPageLimit, all: false };

/**
 * A page of a listing. Some hosts cut long answers, so what must not be lost comes first: the call for the next page in
 * the text, and the cursor in the structured content.
 *
 * @param args the arguments of the call that asked for this page
 * @param lines the entries, one line each
 * @param hints what helps a caller who finds nothing, one line each
 */
export function pageSuccess(
  lister: string | Lister,
  args: object,
  page: ListPage,
  lines: readonly string[],
  hints: readonly string[] = [],
): CallToolResult {
  const { tool, defaults }: Lister = typeof lister === "string" ? { tool: lister, defaults: usual } : lister;
  const given = Object.entries(args).filter(([name, value]) => value !== defaults[name]);
  const rest =
    page.next_cursor === undefined
      ? "This is the last page."
      : `Next page: ${tool} ${JSON.stringify({ ...Object.fromEntries(given), cursor: page.next_cursor })}`;
  const where = `${count(lines.length, "entry", "entries")} on this page. ${rest}`;
  const found = lines.length === 0 ? [...wildcardHint(args), ...hints] : lines;
  return success(cursorFirst(page), [where, ...found].join("\n"));
}

/** For a prefix that matches nothing. */
export function wildcardHint({ prefix = "" }: { readonly prefix?: string | undefined }): string[] {
  return /[*?]/.test(prefix)
    ? ["prefix is plain text: * and ? are no wildcards. search_artifacts finds keys by words in them."]
    : [];
}

/** The same page, with its cursor in front of its entries. */
export function cursorFirst<Page extends ListPage>({ next_cursor, ...entries }: Page): object {
  return next_cursor === undefined ? entries : { next_cursor, ...entries };
}

/**
 * A session, with a hint if one helps: how to resolve a conflict, or the command that sends a file over HTTP, so that the
 * model need not type the file.
 *
 * @param given the arguments of the call
 */
export function sessionSuccess(session: UploadSession, given: object): CallToolResult {
  const answer = withCommand(session);
  const result = success(answer, sessionText(answer, given));
  const hint = hintOf(answer);
  return hint === undefined ? result : withText(result, hint);
}

/** The end of a long content that is enough to see how it goes on. In characters. */
const maxTailChars = 80;

/**
 * A new session. Other unfinished uploads of its key come with the calls that go on with the newest of them.
 *
 * @param given the arguments of the call
 */
export function createdSuccess(session: UploadSession, given: { readonly from?: string | undefined }): CallToolResult {
  const answer = withCommand(withShortTail(session));
  const result = success(answer, createdText(answer, given));
  const hint = answer.command === undefined ? result : withText(result, uploadHint(answer.command, answer.offset));
  const { id, open_sessions: others = [] } = session;
  const [newest] = others;
  return newest === undefined ? hint : withText(hint, othersHint(id, newest, others));
}

function withShortTail(session: UploadSession): UploadSession {
  const { tail, tail_encoding } = session;
  if (tail === undefined || tail_encoding !== undefined) return session;
  return { ...session, tail: [...tail].slice(-maxTailChars).join("") };
}

function othersHint(id: string, newest: OpenSession, others: readonly OpenSession[]): string {
  const goOn =
    newest.status === "open"
      ? `upload_chunk ${JSON.stringify({ session_id: newest.id, offset: newest.tail_ends_at ?? newest.offset })} with what comes after its tail`
      : `get_upload_session ${JSON.stringify({ session_id: newest.id })}, which says how to publish it`;
  const [are, one] =
    others.length === 1 ? ["is also an unfinished upload", "it is"] : ["are also unfinished uploads", "the newest is"];
  return [
    `The new session can be used. There ${are} of this key, maybe of another agent that still writes. Only if ${one} yours, from an earlier conversation, go on with that: ${goOn}, and abort_upload_session ${JSON.stringify({ session_id: id })} for the new one.`,
    ...others.map(openSessionLine),
  ].join("\n");
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
  return `This upload has all its bytes and is not published: ${why}. Read the newest version first: if it has changes to keep, save content with them and yours, and abort_upload_session. Only to replace it, call complete_upload_session with if_version set to the newest version of the key (get_artifact tells it; 0 if it finds nothing). That publishes the bytes without sending them again.`;
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
  if (isWorthLogging(known)) log("error", "tool_failed", failureFacts(error, known));
  const facts = JSON.stringify({ code: known.code, ...known.details });
  return { content: [{ type: "text", text: `${known.code}: ${messageForTools(known)}\n${facts}` }], isError: true };
}
