import { count } from "../../store/model/count.js";
import type { ArtifactError, ErrorDetails, NextStep } from "../../store/model/errors.js";

type Words = string | ((details: ErrorDetails) => string);

const ask = "the person who runs this server";
const complete = "complete_upload_session (a tool at /mcp)";

/** What a client of HTTP can do about an error, by the requests. */
const words: Readonly<Record<NextStep, Words>> = {
  correct_argument: "",
  see_buckets: "GET /v1/artifacts lists the buckets; to make one, save into it.",
  see_artifacts: "GET /v1/artifacts/{bucket} lists what is there; case counts.",
  see_versions: "GET /v1/artifacts/{bucket}/{key} describes the newest version.",
  find_session: "Create one with POST /v1/artifacts.",
  create_session: "Create a new one with POST /v1/artifacts and upload from offset 0.",
  use_published:
    "To save other content under the same key, create a new session with POST /v1/artifacts; to remove the artifact, DELETE /v1/artifacts/{bucket}/{key}.",
  continue_at_offset: ({ offset }) =>
    `Go on with the content that comes after the first ${count(Number(offset), "byte")}.`,
  check_content: ({ offset }) =>
    `If it is another file, DELETE the session's url, create a new session with POST /v1/artifacts and upload from offset 0. Only if it is the same content, go on with what comes after the first ${count(Number(offset), "byte")}, stored already.`,
  send_again: ({ offset }) => (offset === undefined ? "Send it again." : `Send it again from offset ${offset}.`),
  send_smaller_chunks: "Send the same content in smaller requests, from the same offset.",
  upload_in_chunks: "Create a session with POST /v1/artifacts and send the content to its url.",
  split_content: `Split the content over several keys, or ask ${ask} to raise --max-artifact-bytes.`,
  create_without_size:
    "If the content is larger than that, size was wrong: create a session without size, upload all of it there, and DELETE the url of this one.",
  upload_rest: ({ offset }) => `Upload the rest from offset ${offset}, or DELETE the session's url.`,
  upload_rest_or_confirm: ({ offset }) =>
    `Upload the rest from offset ${offset}; if that is all, give size ${offset} to ${complete}.`,
  wait_for_upload:
    "Wait until it has ended, then send this request again; GET of the session's url says how far it is.",
  resolve_conflict: `Publish it on top of the newest version with ${complete}, or DELETE the session's url.`,
  save_on_newest:
    "GET /v1/artifacts/{bucket}/{key} describes the newest version. Send the request again with its ETag.",
  correct_digest: `Give the right sha256 to ${complete}, or DELETE the session's url and upload again.`,
  create_with_digest:
    "Send what belongs to that content; for other content, create another session with the right digest or without it.",
  use_other_key: "Send the same request as the first time, or use another Idempotency-Key.",
  make_room: `DELETE artifacts or sessions, then send the same request again; ${ask} can make room.`,
  free_store_quota: `DELETE artifacts or sessions, then try again; ${ask} can raise --max-store-bytes.`,
  raise_store_quota: `Content of that size never fits; ${ask} can raise --max-store-bytes.`,
  finish_uploads: `Complete or DELETE sessions, then try again; ${ask} can raise --max-unfinished-bytes.`,
  raise_unfinished_quota: `An upload of that size never fits; ${ask} can raise --max-unfinished-bytes.`,
  close_sessions: `Complete or DELETE some, or save small content with PUT /v1/content/{bucket}/{key}; ${ask} can raise --max-open-sessions.`,
  call_again: `Send the same request again; tell ${ask} if it fails again.`,
  look_then_call_again: "Look at what is stored now, then send the same request again if it is not there.",
  abort_and_upload: "DELETE the session's url and upload again.",
  make_writable: `Tell ${ask} to make the store writable.`,
  restore_backup: `Tell ${ask} to restore the store from a backup; artifacts-mcp verify says more.`,
  verify_store: `Tell ${ask}, who can check everything with artifacts-mcp verify.`,
  restart_server: `Tell ${ask} to put the store back in its place or to start the server again with the right --root.`,
  raise_file_limit: `Send the same request again in a moment. If it fails again, tell ${ask} to raise the limit of open files (ulimit -n).`,
  check_disk: `Send the same request again. If it fails again, tell ${ask} to look at the disk.`,
  move_store: `Split the content over several keys, or tell ${ask} to move the store to another file system.`,
  use_allowed_path: "",
  have_path_allowed: "",
  import_again: "",
  abort_and_import: "",
  import_same_file: "",
  resume_import: "",
  export_elsewhere: "",
};

/** What happened and what to do, for a client of HTTP. */
export function messageForHttp({ message, next, details }: ArtifactError): string {
  const found = words[next];
  const text = typeof found === "string" ? found : found(details);
  return text === "" ? message : `${message} ${text}`;
}
