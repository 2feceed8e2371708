import { count, countIs } from "../store/model/count.js";
import type { ArtifactError, ErrorDetails, NextStep } from "../store/model/errors.js";

type Words = string | ((details: ErrorDetails) => string);

const ask = "the person who runs this server";

/** What a model can do about an error, by the names of the tools. */
const words: Readonly<Record<NextStep, Words>> = {
  correct_argument: "",
  see_buckets: "See list_buckets; to make the bucket, save into it.",
  see_artifacts: "See list_artifacts; case counts. If it was still being uploaded, list_upload_sessions shows it.",
  see_versions: "See list_artifact_versions.",
  find_session:
    "Find it again with list_upload_sessions (by bucket and key), or create one with create_upload_session.",
  create_session: "Create a new one with create_upload_session and upload from offset 0.",
  use_published:
    "To save other content under the same key, create a new session; to remove the artifact, use delete_artifact.",
  continue_at_offset: ({ offset }) =>
    `Go on with offset ${offset}: send the content that comes after the first ${count(Number(offset), "byte")} (bytes, not characters).`,
  check_content: ({ offset }) =>
    `If it is another file, call abort_upload_session, create a new session with create_upload_session and upload from offset 0. Only if it is the same content, go on with offset ${offset}: the first ${countIs(Number(offset), "byte")} stored (bytes, not characters).`,
  send_again: "Send it again from the same offset.",
  send_smaller_chunks: "Send the same content to this session in smaller chunks, from the same offset.",
  upload_in_chunks: "Create a session with create_upload_session and send the content in chunks.",
  split_content: `Split the content over several keys, or ask ${ask} to raise --max-artifact-bytes.`,
  create_without_size:
    "If the content is larger than that, size was wrong (it counts bytes, not characters): create a session without size, upload all of it there, and abort this one.",
  upload_rest: ({ offset }) =>
    `Upload the rest from offset ${offset}, or abort with abort_upload_session and create a session without size.`,
  upload_rest_or_confirm: ({ offset }) =>
    `Send the rest with upload_chunk from offset ${offset}, then complete. If ${countIs(Number(offset), "byte")} all there is, call complete_upload_session with size ${offset}.`,
  wait_for_upload: "Wait until it has ended, then make this call again; get_upload_session says how far it is.",
  resolve_conflict: ({ version }) =>
    version === 0
      ? "Call complete_upload_session with if_version 0 to publish it all the same, or abort_upload_session."
      : `Call complete_upload_session with if_version ${version ?? "set to the newest version of the key (get_artifact tells it; 0 if it finds nothing)"} to publish on top, or abort_upload_session.`,
  save_on_newest: ({ version }) =>
    version === 0
      ? "Save again with if_version 0, or without if_version."
      : `Look at the newest version with get_artifact, then save again with if_version ${version}, or without if_version.`,
  correct_digest:
    "Call complete_upload_session with the right sha256, or abort with abort_upload_session and upload again.",
  create_with_digest:
    "Send what belongs to that content; for other content, create another session with the right sha256 or without it.",
  use_other_key: "Send the same content again, or use another idempotency key.",
  make_room: `Delete artifacts with delete_artifact or abort uploads, then make the same call again; ${ask} can make room.`,
  free_store_quota: `Delete artifacts with delete_artifact or abort uploads, then try again; ${ask} can raise --max-store-bytes.`,
  raise_store_quota: `Content of that size never fits; ${ask} can raise --max-store-bytes.`,
  finish_uploads: `Complete or abort uploads (list_upload_sessions shows them), then try again; ${ask} can raise --max-unfinished-bytes.`,
  raise_unfinished_quota: `An upload of that size never fits: split the content over several keys; ${ask} can raise --max-unfinished-bytes.`,
  close_sessions: `Complete or abort some (list_upload_sessions shows them), or save small content with save_artifact; ${ask} can raise --max-open-sessions.`,
  call_again: `Make the same call again; tell ${ask} if it fails again.`,
  look_then_call_again: "Look at what is stored now, then make the same call again if it is not there.",
  abort_and_upload: "Abort the session with abort_upload_session and upload again.",
  make_writable: `Tell ${ask} to make the store writable.`,
  restore_backup: `Tell ${ask} to restore the store from a backup; artifacts-mcp verify says more.`,
  verify_store: `Other versions may be whole: see list_artifact_versions. Tell ${ask}, who can check everything with artifacts-mcp verify.`,
  restart_server: `Tell ${ask} to put the store back in its place or to start the server again with the right --root.`,
  raise_file_limit: `Make the same call again in a moment. If it fails again, complete or abort uploads that are open, and tell ${ask} to raise the limit of open files (ulimit -n).`,
  check_disk: `Make the same call again. If it fails again, tell ${ask} to look at the disk: it may be damaged, or have become read-only.`,
  move_store: `Split the content over several keys, or tell ${ask} to move the store to another file system.`,
  use_allowed_path: "Use a path in one of the allowed directories, or ask the person to allow another one.",
  have_path_allowed: `Ask ${ask} to start it with --allow-path DIRECTORY, or, where a host has started it, to open a folder there that it shares as a root; then make the same call again.`,
  import_again: "Call import_file again when nobody writes to it any more.",
  abort_and_import:
    "Abort the session with abort_upload_session and import the file into a new one when nobody writes to it any more.",
  import_same_file:
    "Give the file that the session was created with, or import this one with bucket and key into a new session.",
  resume_import: ({ session_id }) =>
    `When that is mended, call import_file again with path and session_id ${session_id}.`,
  export_elsewhere: "Choose another path, or give overwrite: true to replace what is there.",
};

/** What happened and what to do, for a model. */
export function messageForTools({ message, next, details }: ArtifactError): string {
  const found = words[next];
  const text = typeof found === "string" ? found : found(details);
  return text === "" ? message : `${message} ${text}`;
}
