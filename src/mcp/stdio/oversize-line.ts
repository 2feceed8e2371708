import { isUtf8 } from "node:buffer";
import type { RequestId } from "@modelcontextprotocol/sdk/types.js";
import { isRequestId } from "../flow/json-rpc.js";

/** How much of each top-level member is kept. No id or method is longer. */
const maxMemberBytes = 1_024;
/** How much of the start of the line is kept. */
const maxStartBytes = 100;

const quoteMark = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];
const keyPattern = /^("(?:[^"\\]|\\.)*")\s*:/s;

/**
 * Reads what is needed to answer a line that is too long to be kept in memory. It looks at each byte once and finds the
 * top-level members that `JSON.parse` would find. Nested values and the content of strings are skipped.
 */
export class OversizeLine {
  /** The last top-level id. Null if there is none or if it is not a valid request id. */
  id: RequestId | null = null;
  /** The first bytes of the line. */
  start = Buffer.alloc(0);
  #hasMethod = false;
  #hasOutcome = false;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  readonly #member = Buffer.alloc(maxMemberBytes);
  /** The length of the current member so far. Bytes past `maxMemberBytes` are counted but not kept. */
  #memberBytes = 0;

  /** Whether the line is a response. A response is never answered. */
  get isResponse(): boolean {
    return this.#hasOutcome && !this.#hasMethod;
  }

  push(bytes: Buffer): void {
    if (this.start.length < maxStartBytes) {
      this.start = Buffer.concat([this.start, bytes.subarray(0, maxStartBytes - this.start.length)]);
    }
    for (let at = 0; at < bytes.length; at += 1) this.#pass(bytes[at] as number);
  }

  #pass(byte: number): void {
    if (this.#isInString) this.#passString(byte);
    else this.#passStructure(byte);
    // A member begins with the quotation mark of its key. The white space before it may have any length.
    if (this.#depth !== 1 || (this.#memberBytes === 0 && byte !== quoteMark)) return;
    if (this.#memberBytes < maxMemberBytes) this.#member[this.#memberBytes] = byte;
    this.#memberBytes += 1;
  }

  #passString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quoteMark) this.#isInString = false;
  }

  #passStructure(byte: number): void {
    if (byte === quoteMark) {
      this.#isInString = true;
    } else if (byte === openBrace || byte === openBracket) {
      this.#depth += 1;
    } else if (byte === closeBrace || byte === closeBracket) {
      this.#depth -= 1;
      if (this.#depth === 0) this.#endMember();
    } else if (byte === comma && this.#depth === 1) {
      this.#endMember();
    }
  }

  #endMember(): void {
    const bytes = this.#member.subarray(0, this.#memberBytes);
    const isWhole = this.#memberBytes <= maxMemberBytes && isUtf8(bytes);
    this.#memberBytes = 0;
    const text = bytes.toString();
    const [start = "", key = ""] = text.match(keyPattern) ?? [];
    switch (parsed(key)) {
      case "id": {
        const id = isWhole ? parsed(text.slice(start.length)) : undefined;
        this.id = isRequestId(id) ? id : null;
        break;
      }
      case "method":
        this.#hasMethod = true;
        break;
      case "result":
      case "error":
        this.#hasOutcome = true;
        break;
    }
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // broken JSON is neither a key nor an id
  }
}
