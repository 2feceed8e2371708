/** What a model is told of the whole server: between 200 and 2,048 bytes, since hosts cut it there. */
export function instructions({ readOnly, hasUrls }: { readonly readOnly: boolean; readonly hasUrls: boolean }): string {
  const find = hasUrls ? `${finding} ${fetching}` : finding;
  if (readOnly) return `${opening}\n\n${find}`;
  return [opening, saving(hasUrls ? files.withUrls : files.without), find, changing, errors].join("\n\n");
}

const opening =
  "This server keeps files (artifacts) in buckets under keys. They outlive this conversation and process.";

const files = {
  without: `- A file of the server's machine: import_file, where offered; export_file writes one back.
- base64 costs you about one token a byte: only for small binaries.`,
  withUrls:
    "- A file that a shell can reach: create_upload_session, then run the answer's command there (curl -T FILE URL). Never type a file's bytes: base64 costs about one token a byte. import_file takes files of the server's machine, where offered.",
};

const saving = (file: string): string => `Save:
- Up to 30 KB of text: save_artifact. metadata helps to find it again.
- More, or piece by piece: create_upload_session, then upload_chunk with 10 to 30 KB of text a call, each at the offset of the last answer (bytes), then complete_upload_session. With size, the last byte publishes.
- After a break or an answer that never came: get_upload_session says the offset and how the stored text ends (tail). list_upload_sessions finds a lost id by bucket and key. Every counted byte is stored: go on there, never from 0.
- To append to an artifact: create_upload_session with from "newest", then upload_chunk only what is new.
${file}
- A key that exists gets a new version. if_version guards against overwriting what you have not seen; after a version_conflict read the newest version and merge.`;

const finding = `Find and read: search_artifacts (words of bucket, key and metadata, type, time, size), list_buckets, list_artifacts (prefix, delimiter "/"); get_artifact for facts and versions. describe_artifact tells what content is (rows, columns, values), compare_artifacts what changed between versions. read_artifact reads pages of 8,000 characters, lines, lines with a text (find), or rows of a table: read only what you need. Each artifact is also the resource artifact://{bucket}/{key}.`;

const fetching =
  "A shell fetches content with curl --fail -o FILE URL and the artifact's url, which works for an hour.";

const changing = `Change without sending bytes: update_artifact (metadata, expiry), copy_artifact (move renames), delete_artifact (with prefix, it first says what matches).`;

const errors = "An error says what happened and what to do next.";
