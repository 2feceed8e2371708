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
/** The use of a folder of keys or files by calls on what is in it. They may run at once, but not with a call on all of it. */
const within = "within";
/** The use of a session by its calls. They may run at once, because the store keeps their order. They start in order. */
const call = "call";

const everyBucket = "buckets";
/** A call claims at most this many of the folders above its key or path. */
const maxFolders = 32;
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
    return claims === undefined ? nothing : merged(claims(isObject ? asRead(given as Arguments) : {}, sessions));
  }
  return typeof uri === "string" || method === "resources/list" ? merged(resourceClaims(method, uri)) : nothing;
}

/** The arguments as the tool reads them: hosts write one session id in several ways, and a text as a list of one. */
function asRead(args: Arguments): Arguments {
  const plain = Object.fromEntries(Object.entries(args).map(([name, value]) => [name, textInList(value)]));
  const { session_id: id } = plain;
  return typeof id === "string" ? { ...plain, session_id: normalizeSessionId(id) } : plain;
}

function textInList(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 && isText(value[0]) ? value[0] : value;
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
  ["export_file", exportClaims],
  ["list_buckets", () => listingClaims(undefined)],
  ["list_artifacts", ({ bucket }) => listingClaims(bucket)],
  ["get_artifact", (args) => keyClaims(args, read)],
  ["read_artifact", (args) => keyClaims(args, read)],
  ["describe_artifact", (args) => keyClaims(args, read)],
  ["compare_artifacts", compareClaims],
  ["search_artifacts", ({ bucket }) => listingClaims(bucket)],
  ["update_artifact", (args) => keyClaims(args, write)],
  ["copy_artifact", copyClaims],
  ["delete_artifact", deleteClaims],
]);

/** @param use how the key is used; calls on one session pass a use that they share */
function keyClaims({ bucket, key }: Arguments, use: string): Claim[] {
  if (!isText(bucket) || !isText(key)) return [];
  // The NFC form decides which keys are the same. A longer key is refused.
  const name = key.slice(0, 8 * maxKeyBytes).normalize("NFC");
  const folders = foldersAbove(name).map((folder): Claim => [keysThing(bucket, folder), within]);
  const used: Claim[] = [[`key ${bucket}\t${name}`, use], ...folders, known];
  return use === read ? used : [...used, ...bucketClaims(bucket)];
}

/** The claims of a call that changes keys of a bucket. */
function bucketClaims(bucket: string): Claim[] {
  return [
    [bucketThing(bucket), change],
    [everyBucket, change],
  ];
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

/** A copy only reads its source, but a move takes it away. */
function copyClaims({ bucket, key, to_bucket, to_key, move }: Arguments): Claim[] {
  const isMove = move === true || move === "true";
  const target = targetOf({ bucket, key, to_bucket, to_key });
  return [...keyClaims({ bucket, key }, isMove ? write : read), ...keyClaims(target, write)];
}

function compareClaims(args: Arguments): Claim[] {
  return [...keyClaims(args, read), ...keyClaims(targetOf(args), read)];
}

/** The second key of a call that has two. */
function targetOf({ bucket, key, to_bucket, to_key }: Arguments): Arguments {
  return { bucket: isText(to_bucket) ? to_bucket : bucket, key: isText(to_key) ? to_key : key };
}

/** A deletion under a prefix may delete any key in the folder that the prefix is in. */
function deleteClaims(args: Arguments): Claim[] {
  const { bucket, prefix } = args;
  if (!isText(prefix) || !isText(bucket)) return keyClaims(args, write);
  return [folderClaim(bucket, foldersAbove(prefix).at(-1)), known, ...bucketClaims(bucket)];
}

/**
 * An import makes many calls on its session, so it excludes other calls on it. Its path may be a folder: then it changes
 * all keys below its key.
 */
function importClaims(args: Arguments, sessions: SessionKeys): Claim[] {
  const { session_id: id, bucket, key } = args;
  if (isText(id)) return [...fileClaims(args, read), ...sessionClaims(args, sessions), [sessionThing(id), write]];
  if (!isText(bucket)) return fileClaims(args, read);
  const keys = isText(key) ? keyClaims(args, write) : [known, ...bucketClaims(bucket)];
  return [...fileClaims(args, read), folderClaim(bucket, key), ...keys];
}

function exportClaims(args: Arguments): Claim[] {
  const keys = isText(args["key"]) ? keyClaims(args, read) : listingClaims(args["bucket"]);
  return [...fileClaims(args, write), ...keys];
}

/** The claims of a call on a local file, or on all files of a folder. */
function fileClaims({ path }: Arguments, use: string): Claim[] {
  if (!isText(path)) return [];
  const folders = foldersAbove(path).map((folder): Claim => [fileThing(folder), within]);
  return [[fileThing(lowestFolder(path)), use], ...folders];
}

/** The claim of a call that changes all keys below a folder; of the whole bucket if no folder is given. */
function folderClaim(bucket: string, folder: unknown): Claim {
  const name = isText(folder) ? folder.slice(0, 8 * maxKeyBytes).normalize("NFC") : "";
  return [keysThing(bucket, lowestFolder(name)), write];
}

/** The folder itself, unless it is so deep that calls in it claim only a folder above it. */
function lowestFolder(folder: string): string {
  return foldersAbove(`${withoutEndSlash(folder)}/`).at(-1) ?? "";
}

function withoutEndSlash(folder: string): string {
  return /[/\\]$/.test(folder) ? folder.slice(0, -1) : folder;
}

/** The folders above a key or path, each without a slash at its end. The first one is the empty text. */
function foldersAbove(name: string): string[] {
  const folders = [""];
  for (const { index } of name.matchAll(/[/\\]/g)) {
    if (folders.length === maxFolders) break;
    folders.push(name.slice(0, index));
  }
  return folders;
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
const keysThing = (bucket: string, folder: string): string => `keys ${bucket}\t${folder}`;
const fileThing = (path: string): string => `file ${path}`;
const sessionThing = (id: string): string => `session ${id}`;

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
