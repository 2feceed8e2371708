import { count } from "../../store/model/count.js";
import type { ArtifactError, ErrorDetails, NextStep } from "../../store/model/errors.js";
import { guardText } from "../../store/model/guard.js";

type Wording = string | ((details: ErrorDetails) => string);

const operator = "the person who runs this server";
/** The request that completes the session in the details. */
const complete = ({ session_id = "{id}" }: ErrorDetails): string => `POST /v1/sessions/${session_id}/complete`;

/** What an HTTP client can do next after an error. An empty text means that the message itself says it. */
const wordings: Readonly<Record<NextStep, Wording>> = {
  correct_argument: "",
  see_buckets: "GET /v1/artifacts lists the buckets. To create a bucket, save an artifact into it.",
  see_artifacts: "GET /v1/artifacts/{bucket} lists the keys in it. Keys are case-sensitive.",
  see_versions: "GET /v1/artifacts/{bucket}/{key}?versions=100 lists the versions.",
  find_session: "GET /v1/sessions lists the unfinished ones. POST /v1/artifacts creates one.",
  create_session: "Create a new session with POST /v1/artifacts and upload from offset 0.",
  use_published:
    "To save other content under the same key, create a new session with POST /v1/artifacts; to delete the artifact, DELETE /v1/artifacts/{bucket}/{key}.",
  continue_at_offset: ({ offset }) =>
    `Continue at offset ${offset}, with the content that comes after the first ${count(Number(offset), "byte")}.`,
  check_content: ({ offset }) =>
    `This may be another file than the one that this upload was begun with. If it is another file, DELETE the session's url, create a new session with POST /v1/artifacts and upload from offset 0. Only if it is the same content, continue with the content after the first ${count(Number(offset), "byte")} (stored already).`,
  send_again: ({ offset }) =>
    offset === undefined ? "Send the content again." : `Send the content again from offset ${offset}.`,
  send_smaller_chunks: "Send the same content in smaller requests, from the same offset.",
  upload_in_chunks: "Create a session with POST /v1/artifacts and send the content to its url.",
  split_content: `Split the content over several keys, or ask ${operator} to raise --max-artifact-bytes.`,
  create_without_size:
    "If the content is larger than that, the declared size was wrong: create a session without size, upload the whole content there, and DELETE the url of this session.",
  upload_rest_or_confirm: (details) =>
    `Upload the rest from offset ${details["offset"]}. If there is no more content, confirm that with ${complete(details)} and {"size":${details["offset"]}}.`,
  wait_for_upload:
    "Wait until the upload has ended, then send this request again. GET of the session's url shows its offset.",
  resolve_conflict: (details) => `${publishOnTop(details)} Or give it up: DELETE the session's url.`,
  save_on_newest:
    "GET /v1/artifacts/{bucket}/{key} describes the newest version. Send the request again with its ETag.",
  copy_onto_newest: ({ version, newest }) =>
    version === 0
      ? "Send if_version 0, or leave it out."
      : `To put it on top of that version, send if_version ${newest}. Else choose another to_key.`,
  check_source: ({ newest }) => `Look at the source, then send from_if_version ${newest}, or leave it out.`,
  correct_digest: (details) =>
    `Publish it with ${complete(details)} and the right sha256, or DELETE the session's url and upload again.`,
  create_with_digest:
    "Send the content that has this digest. For other content, create another session, with its digest or without one.",
  create_on_newest: ({ version, edit }) =>
    `Send the request again with if_version ${guardText({ version: Number(version), edit: Number(edit ?? 0) })}.`,
  use_other_key: "Send the same request as the first time, or use another Idempotency-Key.",
  make_room: `DELETE artifacts or sessions, then send the same request again. Or ask ${operator} to free disk space.`,
  free_store_quota: `DELETE artifacts or sessions, then send the same request again. Or ask ${operator} to raise --max-store-bytes.`,
  raise_store_quota: `Content of that size can never fit: ask ${operator} to raise --max-store-bytes.`,
  free_bucket: `DELETE artifacts or sessions of this bucket (older versions count too), then send the same request again. Or use another bucket, or ask ${operator} to raise the limit of this bucket with artifacts-mcp bucket set.`,
  raise_bucket_limit: `Content of that size can never fit into this bucket: use another one, or ask ${operator} to raise the limit of this bucket with artifacts-mcp bucket set.`,
  finish_uploads: `Complete or DELETE sessions, then send the same request again. Or ask ${operator} to raise --max-unfinished-bytes.`,
  raise_unfinished_quota: `An upload of that size can never fit: ask ${operator} to raise --max-unfinished-bytes.`,
  close_sessions: `Complete or DELETE some sessions, or save small content with PUT /v1/content/{bucket}/{key}. Or ask ${operator} to raise --max-open-sessions.`,
  call_again: `Send the same request again; tell ${operator} if it fails again.`,
  look_then_call_again: "Look at what is stored now, then send the same request again if its result is not there.",
  abort_and_upload: "DELETE the session's url and upload again.",
  make_writable: `Tell ${operator} to make the store writable.`,
  restore_backup: `Tell ${operator} to restore the store from a backup. The command artifacts-mcp verify shows what is damaged.`,
  verify_store: `Tell ${operator}, who can check the whole store with artifacts-mcp verify.`,
  restart_server: `Tell ${operator} to put the store back in its place, or to start the server again with the right --root.`,
  raise_file_limit: `Send the same request again in a moment. If it fails again, tell ${operator} to raise the limit of open files (ulimit -n).`,
  check_disk: `Send the same request again. If it fails again, tell ${operator} to look at the disk.`,
  move_store: `Split the content over several keys, or tell ${operator} to move the store to another file system.`,
  use_allowed_path: "",
  have_path_allowed: "",
  import_again: "",
  abort_and_import: "",
  import_same_file: "",
  resume_import: "",
  export_elsewhere: "",
  compare_with_other: "Name a version, or another artifact with to_key or to_bucket.",
  describe_content: "GET /v1/describe/{bucket}/{key} says what the content is.",
  simplify_expression: "Make the expression simpler, or look for a literal text.",
  look_at_less:
    "Ask for fewer rows or columns, or get the content with GET /v1/content/{bucket}/{key} and look into it yourself.",
};

function publishOnTop(details: ErrorDetails): string {
  const { version, edit } = details;
  if (typeof version !== "number") {
    return `Publish it with ${complete(details)} and, as if_version, the newest version that GET /v1/artifacts/{bucket}/{key} shows, or 0 if there is none.`;
  }
  const newest = guardText({ version, edit: Number(edit ?? 0) });
  return `Publish it nevertheless with ${complete(details)} and {"if_version":"${newest}"}.`;
}

/** Returns what happened and what to do next, worded for an HTTP client. */
export function messageForHttp({ message, next, details }: ArtifactError): string {
  const found = wordings[next];
  const text = typeof found === "string" ? found : found(details);
  return text === "" ? message : `${message} ${text}`;
}
