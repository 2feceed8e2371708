import type { z } from "zod";
import { checkBucket } from "../store/model/names/bucket-name.js";
import { toKey } from "../store/model/names/key-name.js";
import type { HttpContext } from "./context.js";
import type { Answer, Exchange } from "./message/exchange.js";

export type Parameters = Readonly<Record<string, string>>;

/** Who may make a request: with the server's token, or with a URL that carries its own right. */
export type Right = "none" | "token" | "upload-url" | "download-url";

/** What a route says of itself in the OpenAPI document. */
export interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** Parameters of the query, of the header fields, and the members of a JSON body. */
  readonly query?: z.ZodObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: z.ZodObject;
  /** Media type of a body of raw bytes. */
  readonly bytes?: string;
  /** What it answers, by status: its JSON, or nothing where there is none, and what it means. */
  readonly answers: Readonly<
    Record<number, { readonly says: string; readonly json?: z.ZodType; readonly bytes?: true }>
  >;
}

export interface Route {
  readonly method: string;
  /** Segments with parameters: `{name}` alone, or behind `session:`. A last `{key}` takes all that follows. */
  readonly path: string;
  readonly right: Right;
  /** Changes something, so `--read-only` refuses it. */
  readonly isWriting: boolean;
  readonly operation?: Operation | undefined;
  handle(context: HttpContext, exchange: Exchange, parameters: Parameters): Promise<Answer | undefined>;
}

/** A segment of a route's path: a text, and behind it the name of a parameter, if there is one. */
interface Part {
  readonly text: string;
  readonly name: string | undefined;
}

/** The routes' paths are few, so each is taken apart once. */
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

/** The parameters, where a route's path is that of a request. */
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

/** One segment for each part, if there are as many. A final slash belongs to a key, and is nothing elsewhere. */
function segmentsFor(parts: readonly Part[], segments: readonly string[]): readonly string[] | undefined {
  const last = parts.length - 1;
  const rest = segments.slice(last);
  if (parts[last]?.name === "key") return rest.length > 0 ? [...segments.slice(0, last), rest.join("/")] : undefined;
  const isWhole = rest.length === 1 || (rest.length === 2 && rest[1] === "");
  return isWhole ? segments.slice(0, parts.length) : undefined;
}

/**
 * The parameters with the key in NFC, after the bucket and the key were checked.
 *
 * @throws ArtifactError `invalid_argument`
 */
export function checkNames(parameters: Parameters): Parameters {
  const { bucket, key } = parameters;
  if (bucket !== undefined) checkBucket(bucket);
  return key === undefined ? parameters : { ...parameters, key: toKey(key) };
}
