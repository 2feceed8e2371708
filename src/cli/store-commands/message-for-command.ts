import type { ArtifactError, ErrorDetails, NextStep } from "../../store/model/errors.js";

const again = "Run the command again: what is stored already is not sent again.";
const verify = '"artifacts-mcp verify" says more.';
const room = 'Make room with "artifacts-mcp rm"';

/** What a person can do next about an error, in terms of the commands. An empty text: the message says it. */
const adviceFor: Readonly<Record<NextStep, string | ((details: ErrorDetails) => string)>> = {
  correct_argument: "",
  see_buckets: '"artifacts-mcp ls" lists the buckets. To make a bucket, save into it.',
  see_artifacts: '"artifacts-mcp ls" and "artifacts-mcp search" find what there is.',
  see_versions: '"artifacts-mcp versions" lists those that are kept.',
  find_session: '"artifacts-mcp uploads" lists the unfinished uploads.',
  create_session: again,
  use_published: 'The artifact stays; "artifacts-mcp put" makes a new version.',
  continue_at_offset: again,
  check_content:
    'Another file was being uploaded to this key: "artifacts-mcp uploads" lists the unfinished uploads. Run the command again when that one has ended.',
  send_again: again,
  send_smaller_chunks: again,
  upload_in_chunks: 'Save it from a file with "artifacts-mcp put".',
  split_content: "Split the content, or raise ARTIFACTS_MAX_ARTIFACT_BYTES.",
  create_without_size: "The file has grown meanwhile: run the command again when no program writes to it.",
  upload_rest_or_confirm: again,
  wait_for_upload: "Run the command again when that upload has ended.",
  resolve_conflict: "Look at the newest version, then run the command again.",
  save_on_newest: "Look at the newest version, then run the command again.",
  copy_onto_newest: "Look at the newest version of the target, then run the command again.",
  check_source: "Look at the newest version of the source, then run the command again.",
  correct_digest: "Run the command again: other bytes arrived than were meant.",
  create_with_digest: "Run the command again: other bytes arrived than were meant.",
  create_on_newest: "Look at the newest version, then run the command again.",
  use_other_key: "Run the command again.",
  make_room: `${room}, or free disk space, then run the command again.`,
  free_store_quota: `${room}, or raise ARTIFACTS_MAX_STORE_BYTES, then run the command again.`,
  raise_store_quota: "Content of that size never fits: raise ARTIFACTS_MAX_STORE_BYTES.",
  // The details have the name of the bucket without its prefix, and that would be another bucket for this command.
  free_bucket: `${room} (older versions count too), or raise the limit of this bucket with "artifacts-mcp bucket set", then run the command again.`,
  raise_bucket_limit:
    'Content of that size never fits into this bucket: raise its limit with "artifacts-mcp bucket set".',
  finish_uploads:
    'Let uploads end ("artifacts-mcp uploads" lists them), or raise ARTIFACTS_MAX_UNFINISHED_BYTES, then run the command again.',
  raise_unfinished_quota: "An upload of that size never fits: raise ARTIFACTS_MAX_UNFINISHED_BYTES.",
  close_sessions:
    'Let uploads end ("artifacts-mcp uploads" lists them), or raise ARTIFACTS_MAX_OPEN_SESSIONS, then run the command again.',
  call_again: "Run the command again.",
  look_then_call_again: 'Look with "artifacts-mcp ls" whether it was done, and run the command again if it was not.',
  abort_and_upload: "Run the command again.",
  make_writable: "Make the data directory writable.",
  restore_backup: `Restore the store from a backup. ${verify}`,
  verify_store: `Other versions may be intact: "artifacts-mcp versions" lists them. ${verify}`,
  restart_server: "Put the store back in its place, or name the right one with --root.",
  raise_file_limit: "Run the command again, with a higher limit of open files (ulimit -n) if it fails again.",
  check_disk: "Run the command again. If it fails again, check the disk: it may be damaged or read-only.",
  move_store: "Split the content, or move the store to another file system.",
  use_allowed_path: "",
  have_path_allowed: "",
  import_again: "Run the command again when no program writes to the file any more.",
  abort_and_import: "Run the command again when no program writes to the file any more.",
  import_same_file: "",
  resume_import: again,
  export_elsewhere: "Choose another path, or replace the file with --overwrite.",
  compare_with_other: "Name another artifact to compare it with.",
  describe_content: '"artifacts-mcp describe" says what the content is.',
  simplify_expression: "Make the expression simpler.",
  look_at_less: "Ask for less.",
};

/** Returns what happened and what to do next, as one line for a person at a command line. */
export function messageForCommand({ message, next, details }: ArtifactError): string {
  const found = adviceFor[next];
  const advice = typeof found === "string" ? found : found(details);
  return advice === "" ? message : `${message} ${advice}`;
}
