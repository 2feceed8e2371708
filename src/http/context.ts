import type { UploadSession } from "../store/model/upload-session.js";
import type { Log } from "../store/ports/log.js";
import type { Store } from "../store/store.js";
import { type HttpLinks, uploadBase } from "./links.js";
import type { Access } from "./security/access.js";

/** What the handlers are made of. */
export interface HttpContext {
  readonly store: Store;
  readonly links: HttpLinks;
  readonly access: Access;
  readonly log: Log;
  readonly version: string;
  readonly readOnly: boolean;
  readonly maxArtifactBytes: number;
  readonly maxChunkBytes: number;
  /** Where clients reach the server, if not where it listens. */
  readonly publicUrl?: string | undefined;
  /** Aborted where the server is ending, and takes nothing new. */
  readonly stopping: AbortSignal;
}

/** Where a client goes on with an upload. */
export function locationOf({ links, publicUrl }: HttpContext, { id }: UploadSession, base = uploadBase): string {
  const path = links.uploadPath(id, base);
  return publicUrl === undefined ? path : `${publicUrl}${path}`;
}

/** The end of a session's life, as the headers of uploads have it. */
export function expiresField({ expires_at }: UploadSession): string {
  return new Date(expires_at * 1000).toUTCString();
}
