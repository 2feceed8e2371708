import type { z } from "zod";
import { checkBucket } from "../store/model/names/bucket-name.js";
import { toKey } from "../store/model/names/key-name.js";
import type { HttpContext } from "./context.js";
import type { Answer, Exchange } from "./message/exchange.js";

export type Parameters = Readonly<Record<string, string>>;

/** What authorizes a request: nothing, the server's token, or a signed URL in place of the token. */
export type Right = "none" | "token" | "upload-url" | "download-url";

/** The description of a route in the OpenAPI document. */
export interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** Parameters of the query. */
  readonly query?: z.ZodObject;
  /** Descriptions of the header fields, by their names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Members of a JSON body. */
  readonly json?: z.ZodObject;
  /** Media type of a body of raw bytes. */
  readonly bytes?: string;
  /** The answers, by status. */
  readonly answers: Readonly<Record<number, AnswerDescription>>;
}

export interface AnswerDescription {
  readonly description: string;
  /** Schema of a JSON body. */
  readonly json?: z.ZodType;
  /** The body is content. */
  readonly bytes?: true;
  /** The body is CSV if the client wants that. */
  readonly csv?: true;
  /** Media type of a body of text. */
  readonly text?: string;
}

export interface Route {
  readonly method: string;
  /**
   * Segments may be parameters: `{name}`, or a text followed by it, like `session:{session}`. A final `{key}` takes all
   * that follows.
   */
  readonly path: string;
  readonly right: Right;
  /** The route changes something, so `--read-only` refuses it. */
  readonly isWriting: boolean;
  readonly operation?: Operation | undefined;
  /** Returns the answer; undefined if it has sent the answer itself. */
  handle(context: HttpContext, exchange: Exchange, parameters: Parameters): Promise<Answer | undefined>;
}

/** A segment of a route's path. */
interface Part {
  readonly text: string;
  /** Name of the parameter after the text, if there is one. */
  readonly name: string | undefined;
}

/** The parts of each route's path. A path is parsed once. */
const partsOfPaths = new Map<string, readonly Part[]>();

function partsOf(path: string): readonly Part[] {
  const known = partsOfPaths.get(path);
  if (known !== undefined) return known;
  const parts = path
    .split("/")
    .slice(1)
    .map((part) => {
      const [, text = part, name] = /^([^{]*)\{(\w+)\}$/.exec(part) ?? [];
      return { text, name };
    });
  partsOfPaths.set(path, parts);
  return parts;
}

/** Returns the parameters if the route's path matches the request's; otherwise undefined. */
export function matchPath(path: string, segments: readonly string[]): Parameters | undefined {
  const parts = partsOf(path);
  const given = segmentsFor(parts, segments);
  if (given === undefined) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, { text, name }] of parts.entries()) {
    const segment = given[index] ?? "";
    if (name === undefined ? segment !== text : !segment.startsWith(text) || segment === text) return undefined;
    if (name !== undefined) parameters[name] = segment.slice(text.length);
  }
  return parameters;
}

/**
 * Returns one segment for each part; undefined if their numbers differ. A final slash belongs to a key, and is ignored
 * elsewhere.
 */
function segmentsFor(parts: readonly Part[], segments: readonly string[]): readonly string[] | undefined {
  const last = parts.length - 1;
  const rest = segments.slice(last);
  if (parts[last]?.name === "key") return rest.length > 0 ? [...segments.slice(0, last), rest.join("/")] : undefined;
  const isWhole = rest.length === 1 || (rest.length === 2 && rest[1] === "");
  return isWhole ? segments.slice(0, parts.length) : undefined;
}

/**
 * Checks the bucket and the key. Returns the parameters with the key in NFC.
 *
 * @throws ArtifactError `invalid_argument`
 */
export function checkNames(parameters: Parameters): Parameters {
  const { bucket, key } = parameters;
  if (bucket !== undefined) checkBucket(bucket);
  return key === undefined ? parameters : { ...parameters, key: toKey(key) };
}
