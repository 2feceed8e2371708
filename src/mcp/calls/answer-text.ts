import type { SessionAnswer } from "../../api/upload-command.js";
import type { Artifact } from "../../store/model/artifact.js";
import { isoTime } from "./model-time.js";

/*
 * The text of answers about one thing: JSON with the facts of the structured content that the model does not know yet.
 * Times are ISO 8601. Left out are URIs that follow from other facts, empty metadata, and what the call itself has said.
 */

type Facts = Readonly<Record<string, unknown>>;

/** All facts of an artifact, for a call that asks for them. */
export function artifactText(artifact: Artifact): string {
  return textOf({ ...artifact });
}

/** What a call has made of an artifact, without digest and origin. @param given the arguments of the call */
export function publishedText(artifact: Artifact, given: object): string {
  return textOf(publishedFacts(artifact, given));
}

/** What an artifact is after its facts were changed, and what it was. @param given the arguments of the call */
export function editedText(artifact: Artifact, given: object): string {
  const { version, edit, metadata, expires_at, previous_metadata, previous_expires_at } = artifact;
  const facts = { version, edit, metadata, expires_at, previous_metadata, previous_expires_at };
  return textOf(withoutKnown(facts, { ...given }));
}

/** All facts of a session, for a call that asks for them. @param given the arguments of the call */
export function sessionText(session: SessionAnswer, given: object): string {
  return textOf(sessionFacts(session, given));
}

/** What a new session has that its caller did not say. @param given the arguments of the call */
export function createdText(session: SessionAnswer, given: { readonly from?: string | undefined }): string {
  const { created_at, expires_at, ...facts } = session;
  const { mime_type, metadata } = session;
  // What an upload has from a version is known, and an append should cost little.
  return textOf(sessionFacts(facts, given.from === undefined ? given : { mime_type, metadata, ...given }));
}

/** How far a session is, after a call that changes it. That it has no declared size is known since its creation. */
export function progressText({ offset, size, status, artifact }: SessionAnswer): string {
  const progress = { offset, ...(size === null ? {} : { size }), status };
  if (artifact === undefined) return textOf(progress);
  const { bucket, key, mime_type, metadata } = artifact;
  return textOf({ ...progress, artifact: publishedFacts(artifact, { bucket, key, mime_type, metadata }) });
}

function publishedFacts(artifact: Artifact, given: object): Facts {
  const { sha256, saved_by, url, created_at, ...facts } = artifact;
  return withoutKnown({ ...facts }, { ...given });
}

/** Without the command and its URL: a hint has them. */
function sessionFacts(session: Partial<SessionAnswer>, given: object): Facts {
  const { artifact, command, open_sessions, url, ...facts } = session;
  const isTold = command !== undefined || url?.startsWith("artifact-upload:");
  const told = withoutKnown(isTold ? facts : { ...facts, url }, { ...given });
  return artifact === undefined ? told : { ...told, artifact: publishedFacts(artifact, session) };
}

/** What an answer may repeat of the call. Its other facts are never left out, even if an argument has the same value. */
const repeated = ["bucket", "key", "mime_type", "metadata", "if_version", "url"];

function withoutKnown(facts: Facts, given: Facts): Facts {
  const isKnown = (name: string): boolean =>
    repeated.includes(name) && JSON.stringify(facts[name]) === JSON.stringify(given[name]);
  return Object.fromEntries(Object.entries(facts).filter(([name]) => !isKnown(name)));
}

function textOf(facts: Facts): string {
  return JSON.stringify(readable(facts));
}

/** Never looks into metadata, whose names are the caller's. */
function readable(facts: Facts): Facts {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) => {
      switch (name) {
        case "uri":
          return [];
        case "metadata":
          return Object.keys(value as object).length === 0 ? [] : [[name, value]];
        case "created_at":
        case "expires_at":
        case "previous_expires_at":
          return [[name, typeof value === "number" ? isoTime(value) : value]];
        case "artifact":
          return [[name, readable(value as Facts)]];
        default:
          return [[name, value]];
      }
    }),
  );
}
