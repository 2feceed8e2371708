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
    "search_artifacts finds keys by words, list_artifacts lists a bucket, list_buckets all of them. Case counts. If it is still being uploaded, list_upload_sessions shows it.",
  see_versions: "Call get_artifact with versions to list those that are kept.",
  find_session:
    "Find the session with list_upload_sessions (by bucket and key), or create one with create_upload_session.",
  create_session: "Create a new one with create_upload_session and upload from offset 0.",
  use_published:
    "To save other content under the same key, create a new session. To remove the artifact, use delete_artifact.",
  continue_at_offset: ({ offset }) =>
    `Go on with offset ${offset}: send the content that comes after the first ${count(Number(offset), "byte")} (bytes, not characters); tail is how they end.`,
  check_content: ({ offset }) =>
    `If it is another file, call abort_upload_session, create a new session with create_upload_session and upload from offset 0. Only if it is the same content, go on with offset ${offset}: the first ${countIs(Number(offset), "byte")} stored (bytes, not characters).`,
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
  resolve_conflict: (details) =>
    details["version"] === 0
      ? "Somebody deleted it. Call complete_upload_session with if_version 0 to publish it anew, or abort_upload_session."
      : `Read the newest version first: if it has changes to keep, save content with them and yours under if_version ${newestIn(details) ?? "of it"}, and abort_upload_session. Only to replace it with this upload, call complete_upload_session with if_version ${newestIn(details) ?? "set to the newest version (get_artifact tells it; 0 if there is none)"}.`,
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
};

/** The guard that the newest version meets, if the details tell it. */
function newestIn({ version, edit }: ErrorDetails): string | undefined {
  return typeof version === "number" ? guardText({ version, edit: Number(edit ?? 0) }) : undefined;
}

/** An error's message for a model: what happened, then what to do next. */
export function messageForTools({ message, next, details }: ArtifactError): string {
  const found = adviceFor[next];
  const advice = typeof found === "string" ? found : found(details);
  return advice === "" ? message : `${message} ${advice}`;
}
