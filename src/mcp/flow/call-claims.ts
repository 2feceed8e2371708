import type { JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import { maxKeyBytes } from "../../store/model/limits.js";
import { normalizeSessionId, parseIfJson } from "../calls/normalize-arguments.js";
import { isOwnUri, parseResourceUri, type ResourceAddress } from "../resources/resource-uri.js";
import type { SessionKeys } from "./session-keys.js";

/**
 * The things that a call uses, each with the way of use. Two calls that use one thing run in the order of their arrival,
 * unless both use it in the same way: any number of calls may `read` a thing at once. `write` excludes all others.
 */
export type Claims = ReadonlyMap<string, string>;

type Claim = readonly [thing: string, use: string];
type Arguments = Readonly<Record<string, unknown>>;
type ClaimsOfCall = (args: Arguments, sessions: SessionKeys) => readonly Claim[];

const read = "read";
const write = "write";
/** The use of a bucket by calls that change a key in it. They run concurrently, but not together with a listing. */
const change = "change";
/** The use of a session by its calls. They may run at once, because the store keeps their order. They start in order. */
const call = "call";

const everyBucket = "buckets";
/**
 * Stands for all keys. Calls with a known key exclude calls on sessions whose key is not known, because such a session
 * may publish to any key.
 */
const anyKey = "keys";
const known: Claim = [anyKey, "known"];
const unknown: Claim = [anyKey, "unknown"];

const nothing: Claims = new Map();

/**
 * Returns what a request uses. The claims are empty if it may run together with any other. A request that will be
 * refused may claim too little, because it does nothing.
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

/** Tells whether the claims are of a call on a session whose key was not known. */
export function isUncertain(claims: Claims): boolean {
  return claims.get(anyKey) === unknown[1];
}

/** Adds what a running call uses to `used`. */
export function addClaims(used: Map<string, string>, claims: Claims): void {
  for (const [thing, use] of claims) used.set(thing, (used.get(thing) ?? use) === use ? use : write);
}

/** Adds what a waiting call uses to `used`, for the calls that arrived after it. */
export function addWaitingClaims(used: Map<string, string>, claims: Claims): void {
  addClaims(used, claims);
  for (const [thing, use] of claims) if (use === call) used.set(thing, write);
}

/** Tells whether a call with these claims may run together with the calls that `used` describes. */
export function areFree(used: Claims, claims: Claims): boolean {
  for (const [thing, use] of claims) {
    const other = used.get(thing);
    if (other !== undefined && (other !== use || use === write)) return false;
  }
  return true;
}

/** The claims of each tool. A test fails if a tool is missing. */
export const toolClaims: ReadonlyMap<string, ClaimsOfCall> = new Map<string, ClaimsOfCall>([
  ["save_artifact", (args) => keyClaims(args, write)],
  ["create_upload_session", (args) => keyClaims(args, write)], // a session of size 0 is published at once
  ["upload_chunk", sessionClaims],
  ["complete_upload_session", sessionClaims],
  ["abort_upload_session", sessionClaims],
  ["get_upload_session", ({ session_id: id }) => (isText(id) ? [[sessionThing(id), call]] : [])],
  ["list_upload_sessions", (args) => (isText(args["key"]) ? keyClaims(args, read) : listingClaims(args["bucket"]))],
  ["import_file", importClaims],
  ["export_file", (args) => [...fileClaims(args, write), ...keyClaims(args, read)]],
  ["list_buckets", () => listingClaims(undefined)],
  ["list_artifacts", ({ bucket }) => listingClaims(bucket)],
  ["get_artifact", (args) => keyClaims(args, read)],
  ["read_artifact", (args) => keyClaims(args, read)],
  ["delete_artifact", (args) => keyClaims(args, write)],
]);

/** @param use how the key is used; calls on one session pass a use that they share */
function keyClaims({ bucket, key }: Arguments, use: string): Claim[] {
  if (!isText(bucket) || !isText(key)) return [];
  // The NFC form decides which keys are the same. A longer key is refused.
  const name = key.slice(0, 8 * maxKeyBytes).normalize("NFC");
  const used: Claim = [`key ${bucket}\t${name}`, use];
  return use === read ? [used, known] : [used, [bucketThing(bucket), change], [everyBucket, change], known];
}

/** @param bucket if it is left out, the list of all buckets */
function listingClaims(bucket: unknown): Claim[] {
  return [[isText(bucket) ? bucketThing(bucket) : everyBucket, read], known];
}

/** The claims of a call that changes a session and may publish it. */
function sessionClaims({ session_id: id }: Arguments, sessions: SessionKeys): Claim[] {
  if (!isText(id)) return [];
  const key = sessions.of(id);
  const published = key === undefined ? [unknown] : keyClaims({ ...key }, sessionThing(id));
  return [[sessionThing(id), call], ...published];
}

/** An import makes many calls on its session, so it excludes other calls on it. */
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
    case "resources/subscribe": // the client hears of changes by later calls, not by earlier ones
      return [[`subscription ${uri}`, write], ...addressClaims(uri, read)];
    case "resources/unsubscribe":
      return [[`subscription ${uri}`, write]];
    default:
      return [];
  }
}

/** @param sessionUse how a session is used; every use except `call` waits for the calls on that session */
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

/** Returns undefined for a URI that will be refused or that is not a URI of this server. */
function addressOf(uri: string): ResourceAddress | undefined {
  try {
    return isOwnUri(uri) ? parseResourceUri(uri) : undefined;
  } catch {
    return undefined;
  }
}

/** If one call uses a thing in two ways, the call excludes all others from it. */
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
