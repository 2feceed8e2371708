import type { UploadSession } from "../store/model/upload-session.js";

/**
 * Up to here a file is sent from its start again, so that the server compares what it has: the rest of another file is
 * never put behind it. Beyond, that would take too long.
 */
const comparedBytes = 64 * 1024 * 1024;

/** A session as callers see it, with what a shell can do for it. */
export type SessionAnswer = UploadSession & { readonly command?: string };

/**
 * The command that sends a file to a session and publishes it, with FILE in place of its path. Undefined where nothing
 * listens, and where the session takes no more bytes.
 */
export function uploadCommand({ url, offset, size, status }: UploadSession): string | undefined {
  if (status !== "open" || offset === size || !/^https?:/.test(url)) return undefined;
  // Not silent: curl tells how far it is wherever its answer does not go to a terminal.
  return `curl --fail-with-body${isCompared(offset) ? "" : ` -C ${offset}`} -T FILE "${url}"`;
}

/** Whether the command of a session at `offset` sends the file from its start. */
export function isCompared(offset: number): boolean {
  return offset < comparedBytes;
}

export function withCommand(session: UploadSession): SessionAnswer {
  const command = uploadCommand(session);
  return command === undefined ? session : { ...session, command };
}
