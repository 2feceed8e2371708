import { count, countIs } from "../../store/model/count.js";
import type { ArtifactError, ErrorDetails, NextStep } from "../../store/model/errors.js";
import { guardText } from "../../store/model/guard.js";

type Advice = string | ((details: ErrorDetails) => string);

const operator = "the person who runs this server";

/** What a model can do next about an error, in terms of the tools. */
const adviceFor: Readonly<Record<NextStep, Advice>> = {
  correct_argument: "",
  see_buckets: "See list_buckets. To make the bucket, save into it.",
  see_artifacts:
    "search_artifacts finds keys by words, list_artifacts lists a bucket, list_buckets all buckets, list_upload_sessions what is still being uploaded.",
  see_versions: "Call get_artifact with versions to list those that are kept.",
  find_session:
    "Find the session with list_upload_sessions (by bucket and key), or create one with create_upload_session.",
  create_session: "Create a new one with create_upload_session and upload from offset 0.",
  use_published:
    "To save other content under the same key, create a new session. To remove the artifact, use delete_artifact.",
  continue_at_offset: goOn,
  check_content: beginAnew,
  send_again: "Send it again from the same offset.",
  send_smaller_chunks: "Send the same content to this session in smaller chunks, from the same offset.",
  upload_in_chunks: "Create a session with create_upload_session and send the content in chunks.",
  split_content: `Split the content over several keys, or ask ${operator} to raise --max-artifact-bytes.`,
  create_without_size:
    "If the content is larger than that, size was wrong (it counts bytes, not characters): create a session without size, upload all of it there, and abort this one.",
  upload_rest_or_confirm: ({ offset }) =>
    `Send the rest with upload_chunk from offset ${offset}, then complete. If ${countIs(Number(offset), "byte")} all there is, call complete_upload_session with size ${offset}.`,
  wait_for_upload:
    "Wait until that upload has ended, then make this call again. get_upload_session says how far it is.",
  resolve_conflict: resolveConflict,
  save_on_newest: (details) =>
    details["version"] === 0
      ? "It was deleted, or was never saved under this key: search_artifacts finds keys. To make it anew, save again with if_version 0."
      : `Read the newest version, merge your change into it, and save that with if_version ${newestIn(details)}. Save yours as it is only to replace it.`,
  copy_onto_newest: ({ version, newest }) =>
    version === 0
      ? "Call again with if_version 0, or without if_version."
      : `To put it on top of that version, call again with if_version ${newest}. Else choose another to_key.`,
  check_source: ({ newest }) =>
    `Look at the source with get_artifact, then call again with from_if_version ${newest}, or without it.`,
  correct_digest:
    "Either other bytes arrived than you meant: abort_upload_session and upload again. Or the sha256 that you gave was wrong: compute it from the source again and call complete_upload_session with it. Do not copy the one above, which checks nothing.",
  create_with_digest:
    "Send the content that has this sha256. For other content, create another session with the right sha256 or without it.",
  create_on_newest: ({ version, edit }) =>
    version === 0
      ? "Create the session again with if_version 0, or without if_version."
      : `Read the newest version and merge your change into it, then create the session again with if_version ${guardText({ version: Number(version), edit: Number(edit ?? 0) })}.`,
  use_other_key: "Send the same content again, or use another idempotency key.",
  make_room: `Delete artifacts with delete_artifact or abort uploads, then make the same call again. The person who runs this server can make room.`,
  free_store_quota: `Delete artifacts with delete_artifact or abort uploads, then make the same call again. The person who runs this server can raise --max-store-bytes.`,
  raise_store_quota: `Content of that size never fits. The person who runs this server can raise --max-store-bytes.`,
  free_bucket: `Delete artifacts of this bucket with delete_artifact (older versions count too) or abort its uploads, then make the same call again. Or use another bucket. The person who runs this server can raise the limit of this bucket with artifacts-mcp bucket set.`,
  raise_bucket_limit: `Content of that size never fits into this bucket: use another one. The person who runs this server can raise the limit of this bucket with artifacts-mcp bucket set.`,
  finish_uploads: `Complete or abort uploads (list_upload_sessions shows them), then make the same call again. The person who runs this server can raise --max-unfinished-bytes.`,
  raise_unfinished_quota: `An upload of that size never fits. Split the content over several keys. The person who runs this server can raise --max-unfinished-bytes.`,
  close_sessions: `Complete or abort some sessions (list_upload_sessions shows them), or save small content with save_artifact. The person who runs this server can raise --max-open-sessions.`,
  call_again: `Make the same call again. If it fails again, tell ${operator}.`,
  look_then_call_again: "Look at what is stored now. If the change was not made, make the same call again.",
  abort_and_upload: "Abort the session with abort_upload_session and upload again.",
  make_writable: `Tell ${operator} to make the store writable.`,
  restore_backup: `Tell ${operator} to restore the store from a backup. artifacts-mcp verify says more.`,
  verify_store: `Other versions may be intact: get_artifact with versions lists them. Tell ${operator} to check the store with artifacts-mcp verify.`,
  restart_server: `Tell ${operator} to put the store back in its place, or to start the server again with the right --root.`,
  raise_file_limit: `Make the same call again in a moment. If it fails again, complete or abort uploads that are open, and tell ${operator} to raise the limit of open files (ulimit -n).`,
  check_disk: `Make the same call again. If it fails again, tell ${operator} to check the disk: it may be damaged or read-only.`,
  move_store: `Split the content over several keys, or tell ${operator} to move the store to another file system.`,
  use_allowed_path:
    "Use a path in one of the allowed directories, or ask the person who runs this server to allow another one.",
  have_path_allowed: `Ask ${operator} to start it with --allow-path DIRECTORY, or to open a folder in the host, which then shares it as a root. Then make the same call again.`,
  import_again: "Call import_file again when no program writes to the file any more.",
  abort_and_import:
    "Abort the session with abort_upload_session and import the file into a new one when no program writes to it any more.",
  import_same_file:
    "Give the file that the session was created for, or import this file with bucket and key into a new session.",
  resume_import: ({ session_id }) =>
    `When the cause is removed, call import_file again with path and session_id ${session_id}.`,
  export_elsewhere: "Choose another path, or give overwrite: true to replace the existing file.",
  compare_with_other: "Name a version, or another artifact with to_key or to_bucket.",
  describe_content: "describe_artifact says what the content is.",
  simplify_expression:
    "Make the expression simpler (no nested repetition), or search for a literal text without regex.",
  look_at_less: "Ask for less: fewer columns or rows, or read_artifact with line and lines.",
};

/** Longer tails are in the details of the error. In characters. */
const maxTailChars = 60;

/** How an upload goes on from what is stored. */
function goOn({ offset, size, tail, tail_encoding, tail_ends_at }: ErrorDetails): string {
  const stored = count(Number(offset), "byte");
  if (offset === size) return `All ${stored} are stored already: get_upload_session says what is left to do.`;
  const end =
    typeof tail === "string" && tail_encoding === undefined
      ? JSON.stringify([...tail].slice(-maxTailChars).join(""))
      : `the first ${stored} (bytes, not characters)`;
  return `Go on at offset ${tail_ends_at ?? offset} with what comes after ${end}.`;
}

/** For content that differs from its first byte on: it may be other content than the upload was begun for. */
function beginAnew({ session_id, differs_at, offset, size, if_version = "0" }: ErrorDetails): string {
  if (differs_at !== 0 || offset === size) return "";
  const abort = `abort_upload_session ${JSON.stringify({ session_id })} and create another session.`;
  return if_version === "0"
    ? `Only if you want to upload other content: ${abort}`
    : `If the upload was begun with from, the content of that version is stored already: send only what comes after it. Only to replace it all: ${abort}`;
}

/** For an upload that has all its bytes: nothing has to be sent again, whatever the caller decides. */
function resolveConflict(details: ErrorDetails): string {
  const { session_id, version } = details;
  const newest = newestIn(details);
  if (newest === undefined) {
    return "Read the newest version first: if it has changes to keep, save content with them and yours, and abort_upload_session. Only to replace it, call complete_upload_session with if_version set to the newest version (get_artifact tells it; 0 if there is none): that publishes this upload without sending it again.";
  }
  const complete = `complete_upload_session ${JSON.stringify({ session_id, if_version: newest })} publishes this upload without sending it again.`;
  return version === 0
    ? `Check bucket and key, or whether somebody deleted it. To make it anew, ${complete}`
    : `Read the newest version first: if it has changes to keep, save content with them and yours under if_version ${newest}, and abort_upload_session. Only to replace it, ${complete}`;
}

/** The guard that the newest version meets, if the details tell it. */
function newestIn({ version, edit }: ErrorDetails): string | undefined {
  return typeof version === "number" ? guardText({ version, edit: Number(edit ?? 0) }) : undefined;
}

/**
 * An error's message for a model: what happened, then what to do next. A model that has typed a stored chunk again, with
 * other words, only has to go on: it is told so first, so that it does not throw the upload away.
 */
export function messageForTools({ message, next, details }: ArtifactError): string {
  const found = adviceFor[next];
  const advice = typeof found === "string" ? found : found(details);
  const first = next === "check_content" ? goOn(details) : "";
  return [first, message, advice].filter((part) => part !== "").join(" ");
}
