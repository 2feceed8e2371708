import type { UploadSession } from "../store/model/upload-session.js";
import type { Log } from "../store/ports/log.js";
import type { Store } from "../store/store.js";
import type { Metrics } from "./metrics/metrics.js";
import type { AnalysisPlaces } from "./security/analysis-places.js";
import type { BearerAuth } from "./security/bearer-auth.js";
import { type SignedUrls, uploadBase } from "./security/signed-urls.js";

/** What the handlers of all routes share. */
export interface HttpContext {
  readonly store: Store;
  readonly signedUrls: SignedUrls;
  readonly auth: BearerAuth;
  readonly analysisPlaces: AnalysisPlaces;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly version: string;
  readonly readOnly: boolean;
  readonly maxArtifactBytes: number;
  readonly maxChunkBytes: number;
  /** URL at which clients reach the server, if it differs from the address on which it listens. */
  readonly publicUrl?: string | undefined;
  /** Aborted when the server stops. Then it begins nothing new. */
  readonly stopping: AbortSignal;
}

/** Returns the `Location` of an upload session: its upload URL, or the path of that URL without a `publicUrl`. */
export function uploadLocation(context: HttpContext, { id }: UploadSession, base = uploadBase): string {
  const { signedUrls, publicUrl } = context;
  const path = signedUrls.uploadPath(id, base);
  return publicUrl === undefined ? path : `${publicUrl}${path}`;
}

/** Returns the time when a session expires, as an HTTP date. */
export function expiresField({ expires_at }: UploadSession): string {
  return new Date(expires_at * 1000).toUTCString();
}
