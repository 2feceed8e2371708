import type { JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import { maxKeyBytes } from "../../store/model/limits.js";
import { normalizeSessionId, parseIfJson } from "../calls/normalize-arguments.js";
import { isOwnUri, parseResourceUri, type ResourceAddress } from "../resources/resource-uri.js";
import type { SessionKeys } from "./session-keys.js";

/**
 * What a call uses, and how. Two calls that use one thing run in their order of arrival, unless both use it in the same
 * way: any number may read, for one. What is used to `write` is used by nobody else.
 */
export type Claims = ReadonlyMap<string, string>;

type Claim = readonly [thing: string, use: string];
type Arguments = Readonly<Record<string, unknown>>;
type ClaimsOfCall = (args: Arguments, sessions: SessionKeys) => readonly Claim[];

const read = "read";
const write = "write";
/** Of a bucket's listing: calls that change other keys of it go together, and none with a listing. */
const change = "change";
/** Of a session: the store runs the calls on it in their order, so they may go to it together, and none before another. */
const call = "call";

const everyBucket = "buckets";
/**
 * Stands for all keys, between calls that are known to use some of them and calls on sessions whose key is not known:
 * those may publish to any.
 */
const anyKey = "keys";
const known: Claim = [anyKey, "known"];
const unknown: Claim = [anyKey, "unknown"];

const nothing: Claims = new Map();

/**
 * What a request uses of what the store keeps; nothing where it may run beside any other. A request that will be
 * refused may claim too little, since it does nothing.
 */
export function claimsOf({ method, params }: JSONRPCRequest, sessions: SessionKeys): Claims {
  const { name, arguments: args, uri } = (params ?? {}) as Arguments;
  if (method === "tools/call") {
    const claims = typeof name === "string" ? toolClaims.get(name) : undefined;
    const given = parseIfJson(args);
    const isObject = typeof given === "object" && given !== null;
    return claims === undefined ? nothing : merged(claims(isObject ? withPlainId(given as Arguments) : {}, sessions));
  }
  return typeof uri === "string" || method === "resources/list" ? merged(resourceClaims(method, uri)) : nothing;
}

/** The arguments with the session id as the tool reads it, because hosts write one id in several ways. */
function withPlainId(args: Arguments): Arguments {
  const { session_id: id } = args;
  return typeof id === "string" ? { ...args, session_id: normalizeSessionId(id) } : args;
}

/** Whether a call that uses any key, since it was not known which, would claim less now. */
export function isUncertain(claims: Claims): boolean {
  return claims.get(anyKey) === unknown[1];
}

/** Adds what a call uses to what others do. */
export function addClaims(used: Map<string, string>, claims: Claims): void {
  for (const [thing, use] of claims) used.set(thing, (used.get(thing) ?? use) === use ? use : write);
}

/** The same of a call that waits, for those that arrived behind it. */
export function addWaitingClaims(used: Map<string, string>, claims: Claims): void {
  addClaims(used, claims);
  for (const [thing, use] of claims) if (use === call) used.set(thing, write);
}

/** Whether a call with these claims may run beside those that use the rest. */
export function areFree(used: Claims, claims: Claims): boolean {
  for (const [thing, use] of claims) {
    const other = used.get(thing);
    if (other !== undefined && (other !== use || use === write)) return false;
  }
  return true;
}

/** Each tool. A test fails where one is missing. */
export const toolClaims: ReadonlyMap<string, ClaimsOfCall> = new Map<string, ClaimsOfCall>([
  ["save_artifact", (args) => keyClaims(args, write)],
  ["create_upload_session", (args) => keyClaims(args, write)], // one of no bytes is published at once
  ["upload_chunk", sessionClaims],
  ["complete_upload_session", sessionClaims],
  ["abort_upload_session", sessionClaims],
  ["get_upload_session", ({ session_id: id }) => (isText(id) ? [[sessionThing(id), call]] : [])],
  ["list_upload_sessions", (args) => (isText(args["key"]) ? keyClaims(args, read) : listingClaims(args["bucket"]))],
  ["import_file", importClaims],
  ["export_file", (args) => [...fileClaims(args, write), ...keyClaims(args, read)]],
  ["list_buckets", () => listingClaims(undefined)],
  ["list_artifacts", ({ bucket }) => listingClaims(bucket)],
  ["list_artifact_versions", (args) => keyClaims(args, read)],
  ["get_artifact", (args) => keyClaims(args, read)],
  ["read_artifact", (args) => keyClaims(args, read)],
  ["delete_artifact", (args) => keyClaims(args, write)],
]);

/** @param use of the key; of a session's calls, one that they share */
function keyClaims({ bucket, key }: Arguments, use: string): Claim[] {
  if (!isText(bucket) || !isText(key)) return [];
  // A key in another form of Unicode is the same key; one that is longer is refused.
  const name = key.slice(0, 8 * maxKeyBytes).normalize("NFC");
  const used: Claim = [`key ${bucket}\t${name}`, use];
  return use === read ? [used, known] : [used, [bucketThing(bucket), change], [everyBucket, change], known];
}

/** @param bucket of all buckets where there is none */
function listingClaims(bucket: unknown): Claim[] {
  return [[isText(bucket) ? bucketThing(bucket) : everyBucket, read], known];
}

/** A call that changes a session, and may publish it. */
function sessionClaims({ session_id: id }: Arguments, sessions: SessionKeys): Claim[] {
  if (!isText(id)) return [];
  const key = sessions.of(id);
  const published = key === undefined ? [unknown] : keyClaims({ ...key }, sessionThing(id));
  return [[sessionThing(id), call], ...published];
}

/** An import makes many calls on its session, with those of others between them: it has the session for itself. */
function importClaims(args: Arguments, sessions: SessionKeys): Claim[] {
  const { session_id: id } = args;
  const session: Claim[] = isText(id) ? [...sessionClaims(args, sessions), [sessionThing(id), write]] : [];
  return [...fileClaims(args, read), ...keyClaims(args, write), ...session];
}

function fileClaims({ path }: Arguments, use: string): Claim[] {
  return isText(path) ? [[`file ${path}`, use]] : [];
}

function resourceClaims(method: string, uri: unknown): Claim[] {
  switch (method) {
    case "resources/list":
      return listingClaims(undefined);
    case "resources/read":
      return addressClaims(uri, call);
    case "resources/subscribe": // what comes behind it is told of, what came before is not
      return [[`subscription ${uri}`, write], ...addressClaims(uri, read)];
    case "resources/unsubscribe":
      return [[`subscription ${uri}`, write]];
    default:
      return [];
  }
}

/** @param sessionUse how a session is used: what does not go to it as a call has to wait for those that do */
function addressClaims(uri: unknown, sessionUse: string): Claim[] {
  const address = addressOf(String(uri));
  switch (address?.kind) {
    case "root":
      return listingClaims(undefined);
    case "bucket":
      return listingClaims(address.bucket);
    case "artifact":
      return keyClaims({ ...address }, read);
    case "upload":
      return [[sessionThing(address.id), sessionUse]];
    case undefined:
      return [];
  }
}

/** Undefined for a URI that will be refused, or is of no resource of ours. */
function addressOf(uri: string): ResourceAddress | undefined {
  try {
    return isOwnUri(uri) ? parseResourceUri(uri) : undefined;
  } catch {
    return undefined;
  }
}

/** A thing that one call uses in two ways is its own. */
function merged(claims: readonly Claim[]): Claims {
  const all = new Map<string, string>();
  for (const claim of claims) addClaims(all, new Map([claim]));
  return all;
}

const bucketThing = (bucket: string): string => `bucket ${bucket}`;
const sessionThing = (id: string): string => `session ${id}`;

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
