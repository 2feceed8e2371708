import { isAscii } from "node:buffer";
import { decodeBase64Into, decodedLength } from "./base64.js";
import { type BufferPool, bufferPool } from "./buffer-pool.js";
import { unescapeInto } from "./json-string.js";
import type { Reviver } from "./parse-json.js";

/** Content of a tool call that was decoded straight from the message's bytes, without becoming a string. */
export class DecodedContent {
  readonly bytes: Buffer;
  #onRelease: (() => void) | undefined;

  /** @param onRelease called at most once */
  constructor(bytes: Buffer, onRelease: () => void) {
    this.bytes = bytes;
    this.#onRelease = onRelease;
  }

  /** Call this when nobody reads `bytes` any more: another content may overwrite them. Calling it is optional. */
  release(): void {
    this.#onRelease?.();
    this.#onRelease = undefined;
  }
}

/** The tool arguments that carry content. It is base64 if the argument `encoding` says so. */
const contentArguments: ReadonlySet<string> = new Set(["data", "content"]);

/**
 * Makes a reviver that decodes the content of tool calls to `DecodedContent`. Content that it cannot decode stays a
 * string, so that the tool can say what is wrong with it.
 */
export function contentDecoder(pool: BufferPool = bufferPool): Reviver {
  return (literal, name, holder, message) => {
    const { method, params } = message as { method?: unknown; params?: { arguments?: object } | null };
    const isContent = method === "tools/call" && holder === params?.arguments && contentArguments.has(name);
    if (!isContent) return undefined;
    switch ((holder as { encoding?: unknown }).encoding) {
      case "base64":
        if (!isAscii(literal)) return undefined;
        return decoded(pool, decodedLength(literal), (target) => decodeBase64Into(literal, target));
      case "utf8":
      case undefined:
        return decoded(pool, literal.length, (target) => unescapeInto(literal, target));
    }
    return undefined;
  };
}

function decoded(pool: BufferPool, bytes: number, decodeInto: (target: Buffer) => Buffer | undefined) {
  const buffer = pool.take(bytes);
  const giveBack = (): void => pool.giveBack(buffer);
  const content = decodeInto(buffer);
  if (content === undefined) giveBack();
  return content && new DecodedContent(content, giveBack);
}
