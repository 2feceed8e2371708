/** What a model is told of the whole server: between 200 and 2,048 bytes, since hosts cut it there. */
export function instructions({ readOnly, hasUrls }: { readonly readOnly: boolean; readonly hasUrls: boolean }): string {
  const fetch = hasUrls ? ` ${fetching}` : "";
  return readOnly
    ? reading + fetch
    : `${hasUrls ? writing(files.withUrls) : writing(files.without)}\n\n${reading}${fetch}`;
}

const files = {
  without: `- A file that is on the server's machine already: import_file, where it is offered; export_file writes one back.
- Binary content as base64 costs you about one token a byte: only for small files, never for text, which goes as it is.`,
  withUrls: `- A file that a shell can reach: create_upload_session, then run its answer's command there (curl -T FILE URL); never type a file's bytes. import_file does the same for files of the server's machine, where it is offered.
- Binary content as base64 costs you about one token a byte: only where no shell can reach the url.`,
};

const writing = (
  files: string,
): string => `This server keeps files (artifacts) in buckets under keys, for good: they outlive this conversation and this process.

Saving:
- Up to about 30 KB of text: save_artifact, one call.
- More, or piece by piece: create_upload_session, then upload_chunk with text of what you write comfortably (10 to 30 KB a call). Take each offset from the last answer; it counts bytes. Leave size out unless you know it to the byte, and end with complete_upload_session; with size, the last byte publishes.
- After a break, a restart or an answer that never came: get_upload_session says the offset to go on from. If the id is lost, list_upload_sessions finds it by bucket and key. Every byte that an answer counted is stored; never begin again from 0.
${files}
- Saving to an existing key makes a new version; older ones stay. if_version (0: must not exist) guards against overwriting another's work.
- An error is its code, what happened and what to do about it, then a line of JSON with its details.`;

const reading = `Finding and reading: list_buckets, list_artifacts (prefix, delimiter "/"), get_artifact for size and digest, read_artifact for the content in pages of 8,000 characters; read only what you need. Listings go on with next_cursor. Every artifact is also the resource artifact://{bucket}/{key}.`;

const fetching = `A shell fetches content with curl --fail -o FILE URL and the artifact's url, which works for an hour.`;
