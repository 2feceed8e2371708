import { createHash } from "node:crypto";
import { token } from "../../support/http-client.js";
import type { Chance } from "./chance.js";
import type { Append, Published, Reported } from "./model.js";
import type { WireAnswer, WireRequest } from "./wire.js";

/** The result of a request: accepted or refused. */
export type Outcome =
  | { readonly isAccepted: true; readonly reported: Reported }
  | { readonly isAccepted: false; readonly status: number; readonly code: string; readonly offset: number | undefined };

/** The path of an upload URL. */
export interface Place {
  readonly id: string;
  readonly path: string;
}

export const protocols = ["put", "post", "resumable", "tus", "mcp"] as const;
export type Protocol = (typeof protocols)[number];
export const isStrict = (protocol: Protocol): boolean => protocol === "resumable" || protocol === "tus";

const bearer = { authorization: `Bearer ${token}` };
const tus = { "tus-resumable": "1.0.0" };
const none = Buffer.alloc(0);
const tusPath = ({ path }: Place): string => path.replace("/v1/artifacts/session:", "/v1/tus/");

/** Returns a request with the token. */
export function asked(
  method: string,
  path: string,
  body: Buffer = none,
  headers: Readonly<Record<string, string>> = {},
): WireRequest {
  return { method, path, headers: { ...bearer, ...headers }, body };
}

let calls = 0;

/** Returns a tool call in an MCP session. */
export function toolCall(mcpSession: string, name: string, args: object): WireRequest {
  calls += 1; // an id may be used once in a session
  const message = { jsonrpc: "2.0", id: calls, method: "tools/call", params: { name, arguments: args } };
  return mcpRequest(message, { "mcp-session-id": mcpSession });
}

export function mcpRequest(message: object, headers: Readonly<Record<string, string>> = {}): WireRequest {
  const all = { accept: "application/json, text/event-stream", "content-type": "application/json", ...headers };
  return asked("POST", "/mcp", Buffer.from(JSON.stringify(message)), all);
}

export const initialize = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "attack", version: "0" } },
};
export const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };

/** An append as it is sent. */
export interface AppendMessage extends Append {
  /** A PUT without an offset, as `curl -T` sends it: it has the whole content. */
  readonly isBare: boolean;
  /** Size of the whole content, if the request declares it. */
  readonly total?: number | undefined;
}

/** Returns the request of an append in a protocol. */
export function appendRequest(
  protocol: Protocol,
  place: Place,
  append: AppendMessage,
  chance: Chance,
  mcpSession: string,
): WireRequest {
  const digest = append.isDamaged || chance.percent(15) ? digestOf(append) : undefined;
  switch (protocol) {
    case "put":
    case "post":
      return plainAppend(protocol, place, append, chance, digest);
    case "resumable":
      return resumableAppend(place, append, digest);
    case "tus":
      return tusAppend(place, append, chance, digest);
    case "mcp": {
      const data = { data: append.bytes.toString("base64"), encoding: "base64" };
      const sha256 = digest === undefined ? {} : { sha256: digest.toString("hex") };
      return toolCall(mcpSession, "upload_chunk", { session_id: place.id, offset: append.offset, ...data, ...sha256 });
    }
  }
}

type Digest = Buffer | undefined;
type Headers = Record<string, string>;

const digestOf = ({ bytes, isDamaged }: Append): Buffer =>
  createHash("sha256")
    .update(bytes)
    .update(isDamaged ? "?" : "")
    .digest();
const digestField = (digest: Digest): Headers =>
  digest === undefined ? {} : { "content-digest": `sha-256=:${digest.toString("base64")}:` };

function plainAppend(
  protocol: "put" | "post",
  place: Place,
  append: AppendMessage,
  chance: Chance,
  digest: Digest,
): WireRequest {
  const { offset, bytes, isLast, isBare, total } = append;
  if (isBare) return { method: "PUT", path: place.path, headers: digestField(digest), body: bytes };
  const isRange = total !== undefined || (bytes.length > 0 && chance.percent(30));
  const range = { "content-range": `bytes ${offset}-${offset + bytes.length - 1}/${total ?? "*"}` };
  const where: Headers = isRange ? range : { "upload-offset": String(offset) };
  const last: Headers = isLast ? { "upload-complete": "?1" } : {};
  const headers = { ...where, ...last, ...digestField(digest) };
  return { method: protocol.toUpperCase(), path: place.path, headers, body: bytes };
}

function resumableAppend({ path }: Place, { offset, bytes, isLast }: Append, digest: Digest): WireRequest {
  const type = { "content-type": "application/partial-upload" };
  const state = { "upload-offset": String(offset), "upload-complete": isLast ? "?1" : "?0" };
  return { method: "PATCH", path, headers: { ...type, ...state, ...digestField(digest) }, body: bytes };
}

/** Uses either URL of the upload, and sometimes POST, as clients do that cannot send PATCH. */
function tusAppend(place: Place, { offset, bytes, total }: AppendMessage, chance: Chance, digest: Digest): WireRequest {
  const isPost = chance.percent(20);
  const method: Headers = isPost ? { "x-http-method-override": "PATCH" } : {};
  const checksum: Headers = digest === undefined ? {} : { "upload-checksum": `sha256 ${digest.toString("base64")}` };
  const length: Headers = total === undefined ? {} : { "upload-length": String(total) };
  const type = { ...tus, "content-type": "application/offset+octet-stream", "upload-offset": String(offset) };
  const path = isPost || chance.percent(50) ? tusPath(place) : place.path;
  const headers = { ...type, ...checksum, ...method, ...length };
  return { method: isPost ? "POST" : "PATCH", path, headers, body: bytes };
}

/** Path of an upload for clients that have the token. */
const byId = ({ id }: Place): string => `/v1/sessions/${id}`;

/** Returns a request for the state of an upload. */
export function lookRequest(protocol: Protocol, place: Place, mcpSession: string): WireRequest {
  switch (protocol) {
    case "put":
      return { method: "GET", path: place.path, headers: {}, body: none };
    case "post":
      return asked("GET", byId(place));
    case "resumable":
      return { method: "HEAD", path: place.path, headers: {}, body: none };
    case "tus":
      return { method: "HEAD", path: tusPath(place), headers: tus, body: none };
    case "mcp":
      return toolCall(mcpSession, "get_upload_session", { session_id: place.id });
  }
}

export function completeRequest(place: Place, chance: Chance, mcpSession: string): WireRequest {
  const way = chance.below(3);
  if (way === 0) return toolCall(mcpSession, "complete_upload_session", { session_id: place.id });
  if (way === 1) return asked("POST", `${byId(place)}/complete`, Buffer.from("{}"));
  return { method: "POST", path: place.path, headers: { "upload-complete": "?1" }, body: none };
}

export function abortRequest(place: Place, chance: Chance, mcpSession: string): WireRequest {
  const way = chance.below(4);
  if (way === 3) return asked("DELETE", byId(place));
  if (way === 0) return toolCall(mcpSession, "abort_upload_session", { session_id: place.id });
  if (way === 1) return { method: "DELETE", path: tusPath(place), headers: tus, body: none };
  return { method: "DELETE", path: place.path, headers: {}, body: none };
}

/** Returns a request that creates an upload, with its size if it is not null. The answer has its URL. */
export function createRequest(
  way: "json" | "tus" | "resumable" | "mcp",
  key: string,
  size: number | null,
  mcpSession: string,
): WireRequest {
  const wanted = { bucket, key, ...(size === null ? {} : { size }) };
  switch (way) {
    case "json":
      return asked("POST", "/v1/artifacts", Buffer.from(JSON.stringify(wanted)));
    case "mcp":
      return toolCall(mcpSession, "create_upload_session", wanted);
    case "resumable": {
      const length: Record<string, string> = size === null ? {} : { "upload-length": String(size) };
      return asked("PUT", `/v1/content/${bucket}/${key}`, none, { "upload-complete": "?0", ...length });
    }
    case "tus": {
      const pairs = Object.entries({ bucket, key }).map(
        ([name, text]) => `${name} ${Buffer.from(text).toString("base64")}`,
      );
      const length: Record<string, string> =
        size === null ? { "upload-defer-length": "1" } : { "upload-length": String(size) };
      return asked("POST", "/v1/tus", none, { ...tus, ...length, "upload-metadata": pairs.join(",") });
    }
  }
}

export const bucket = "attack";

/** Returns the path of the upload that was created. */
export function placeOf(answer: WireAnswer): Place {
  const location = answer.headers["location"] ?? String(jsonOf(answer)["url"]);
  const path = new URL(location, "http://127.0.0.1").pathname.replace("/v1/tus/", "/v1/artifacts/session:");
  const id = /^\/v1\/artifacts\/session:([^.]+)\./.exec(path)?.[1];
  if (id === undefined) throw new Error(`no upload URL in ${JSON.stringify(answer.headers)} ${answer.body}`);
  return { id, path };
}

/** Returns what an answer reports about an upload. */
export function outcomeOf(answer: WireAnswer): Outcome {
  const json = jsonOf(answer);
  const said = answer.headers["upload-offset"];
  const offset = said === undefined ? undefined : Number(said);
  if (answer.status >= 400 || json["error"] !== undefined) {
    const { code = "", offset: at = offset } = (json["error"] ?? json) as { code?: string; offset?: number };
    return { isAccepted: false, status: answer.status, code, offset: at };
  }
  return { isAccepted: true, reported: reportedBy(json, offset) };
}

function reportedBy(json: Readonly<Record<string, unknown>>, offset: number | undefined): Reported {
  if (typeof json["version"] === "number") {
    const artifact = json as unknown as Published;
    return { offset: artifact.bytes, status: "complete", artifact };
  }
  const reported = json as Partial<Reported>;
  const at = reported.offset ?? offset;
  if (at === undefined) throw new Error(`no offset in ${JSON.stringify(json)}`);
  return { ...reported, offset: at };
}

/** Returns the JSON of an answer; for MCP the structured content of the result, or `error` with its code. */
export function jsonOf({ headers, body }: WireAnswer): Readonly<Record<string, unknown>> {
  const type = headers["content-type"] ?? "";
  const text = type.startsWith("text/event-stream") ? eventOf(body.toString()) : body.toString();
  if (!/json|event-stream/.test(type) || text === "") return {};
  const json = JSON.parse(text);
  if (json.jsonrpc === undefined) return json;
  if (json.result === undefined) throw new Error(`MCP answered ${text}`);
  if (json.result.isError !== true) return json.result.structuredContent ?? json.result;
  const [block] = json.result.content as { text: string }[];
  const { text: said = "" } = block ?? {};
  const numbers = /"offset":(\d+)/.exec(said);
  // The text of a tool error contains its code and details as JSON.
  const code = /"code":"(\w+)"/.exec(said)?.[1] ?? /^(\w+): /.exec(said)?.[1] ?? said;
  return { error: { code, ...(numbers === null ? {} : { offset: Number(numbers[1]) }) } };
}

/** Returns whether an MCP session has answered, and not the endpoint because it does not know the session. */
export function isAnsweredByMcp({ status, headers, body }: WireAnswer): boolean {
  return (
    status < 400 && (headers["content-type"]?.startsWith("text/event-stream") !== true || eventOf(`${body}`) !== "")
  );
}

/** Returns the message with the answer from a stream of events. */
function eventOf(stream: string): string {
  const messages = stream.split(/\r?\n/).flatMap((line) => (line.startsWith("data: {") ? [line.slice(6)] : []));
  return messages.find((message) => /"(?:result|error)":/.test(message)) ?? "";
}
