import type { UploadSession } from "../store/model/upload-session.js";

/**
 * Below this offset, an upload is continued by sending the file from its start, and the server compares the bytes that
 * it has: so it never appends the rest of another file. Above it, that would take too long.
 */
const maxComparedBytes = 64 * 1024 * 1024;

/** A session as callers see it, with the command that uploads to it from a shell. */
export type SessionAnswer = UploadSession & { readonly command?: string };

/**
 * Returns the shell command that sends a file to a session and publishes it. FILE stands for the path of the file.
 * Returns undefined if the server does not listen on HTTP, or the session takes no more bytes.
 */
export function uploadCommand({ url, offset, size, status }: UploadSession): string | undefined {
  if (status !== "open" || offset === size || !/^https?:/.test(url)) return undefined;
  // Without --silent: curl shows its progress if the output does not go to a terminal.
  return `curl --fail-with-body${isCompared(offset) ? "" : ` -C ${offset}`} -T FILE "${url}"`;
}

/** Returns whether the command of a session at `offset` sends the file from its start. */
export function isCompared(offset: number): boolean {
  return offset < maxComparedBytes;
}

/** Returns a session with its upload command, if it has one. */
export function withCommand(session: UploadSession): SessionAnswer {
  const command = uploadCommand(session);
  return command === undefined ? session : { ...session, command };
}
