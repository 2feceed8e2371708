import type { ArchiveDescription } from "../../../store/ports/description.js";
import { shorten } from "../shorten.js";

const maxListed = 100;
const maxNameChars = 200;

/** Counts the entries of an archive and lists the first ones. */
export class EntryList {
  #entries = 0;
  #bytes = 0;
  readonly #list: { name: string; bytes: number }[] = [];

  get entries(): number {
    return this.#entries;
  }

  /** @param name is asked for only if the entry is listed */
  add(bytes: number, name: () => string): void {
    this.#entries += 1;
    this.#bytes = limited(this.#bytes + bytes);
    if (this.#list.length < maxListed) this.#list.push({ name: shorten(name(), maxNameChars), bytes: limited(bytes) });
  }

  facts(): ArchiveDescription {
    return { entries: this.#entries, unpacked_bytes: this.#bytes, list: [...this.#list] };
  }
}

/** Archives can claim sizes of up to 2^64 bytes. */
function limited(bytes: number): number {
  return Math.min(bytes, Number.MAX_SAFE_INTEGER);
}

/** A name whose encoding is not stated: UTF-8 if it is valid, or else Latin-1. */
export function entryName(bytes: Uint8Array): string {
  const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = name.toString("utf8");
  return text.includes("\ufffd") ? name.toString("latin1") : text;
}
