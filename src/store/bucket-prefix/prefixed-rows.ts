import { maxBucketChars } from "../model/limits.js";
import { checkBucket, isBucket } from "../model/names/bucket-name.js";
import { joined, partsOf } from "../model/row-keys.js";
import type { RowChange, StoredRow } from "../ports/metadata-store.js";

/** Rows whose key has a bucket as its second part. */
const namedByBucket: ReadonlySet<string> = new Set(["artifact", "gone", "upload", "open", "due", "bucket"]);
/** Rows whose text has a bucket. It is always the first member. */
const tellsBucket: ReadonlySet<string> = new Set(["artifact", "session"]);

const bucketMember = '{"bucket":"';
/** Stands for the text of a row that could not be told to be under the prefix. No schema accepts it. */
const unreadable = "the row does not begin with its bucket";

/**
 * Translates keys and texts of rows between a store and clients whose buckets all begin with `prefix` there. The
 * clients know only the rest of these names. A bucket that goes on as no bucket can begin is not theirs either.
 */
export class PrefixedRows {
  readonly #prefix: string;

  /** @param prefix not empty; a bucket's name can begin with it */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** @throws ArtifactError `invalid_argument` if this is no bucket, or if it is too long behind the prefix */
  storedBucket(bucket: string): string {
    checkBucket(bucket, maxBucketChars - this.#prefix.length);
    return this.#prefix + bucket;
  }

  /** Undefined if the bucket is not under the prefix. */
  shownBucket(bucket: string): string | undefined {
    if (!bucket.startsWith(this.#prefix)) return undefined;
    const rest = bucket.slice(this.#prefix.length);
    return isBucket(rest) ? rest : undefined;
  }

  /** @throws ArtifactError `invalid_argument`, as `storedBucket` does */
  storedKey(key: string): string {
    const [kind = "", bucket = "", ...rest] = partsOf(key);
    if (namedByBucket.has(kind)) return joined(kind, this.storedBucket(bucket), ...rest);
    if (kind === "session") return key;
    throw new Error(`a row of the kind ${kind} is not for clients`);
  }

  /** The beginning of stored keys for one of shown keys, which may end inside a bucket's name. */
  storedBeginning(beginning: string): string {
    const [kind = "", bucket = "", ...rest] = partsOf(beginning);
    if (!namedByBucket.has(kind)) throw new Error(`rows of the kind ${kind} are not listed for clients`);
    return joined(kind, rest.length === 0 ? this.#prefix + bucket : this.storedBucket(bucket), ...rest);
  }

  /** Undefined if the row, or the group of rows that begin with this text, is not under the prefix. */
  shownKey(key: string): string | undefined {
    const [kind = "", bucket = "", ...rest] = partsOf(key);
    const shown = this.shownBucket(bucket);
    return shown === undefined ? undefined : joined(kind, shown, ...rest);
  }

  /** The row with this key as clients see it. Undefined if it is not under the prefix. */
  shownRow({ key, text }: StoredRow): StoredRow | undefined {
    const kind = kindOf(key);
    const shown = namedByBucket.has(kind) ? this.shownKey(key) : key;
    if (shown === undefined) return undefined;
    if (!tellsBucket.has(kind)) return { key: shown, text };
    const told = this.#shownText(text);
    if (told === undefined && kind === "session") return undefined;
    return { key: shown, text: told ?? unreadable };
  }

  storedChange({ key, old, next }: RowChange): RowChange {
    const kind = kindOf(key);
    // The row of pieces to be removed has no bucket. Nothing but its random id leads to it.
    if (kind === "freed") return { key, old, next };
    if (!tellsBucket.has(kind)) return { key: this.storedKey(key), old, next };
    return { key: this.storedKey(key), old: this.#storedText(old), next: this.#storedText(next) };
  }

  /**
   * Where a listing of stored rows goes on behind the last entry that was read. It skips all buckets whose names go on
   * with a dot in one step.
   */
  behind(last: string): string {
    const dotted = joined(kindOf(last), `${this.#prefix}.`);
    return last.startsWith(dotted) ? `${dotted.slice(0, -1)}/` : last; // "/" follows "."
  }

  /** Where a listing of stored rows begins. @param after an entry that a client has seen */
  start(beginning: string, after: string | undefined): string {
    // Behind the bucket that is named like the prefix: a line break sorts between a tab and all characters of names.
    if (after === undefined) return `${joined(kindOf(beginning), this.#prefix)}\n`;
    const [kind = "", ...rest] = partsOf(after);
    return joined(kind, this.#prefix + rest.join("\t"));
  }

  #shownText(text: string): string | undefined {
    if (!text.startsWith(bucketMember)) return undefined;
    const end = text.indexOf('"', bucketMember.length);
    const shown = this.shownBucket(text.slice(bucketMember.length, end));
    return shown === undefined ? undefined : bucketMember + shown + text.slice(end);
  }

  #storedText(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    if (!text.startsWith(bucketMember)) throw new Error("the text of a row does not begin with its bucket");
    return bucketMember + this.#prefix + text.slice(bucketMember.length);
  }
}

const kindOf = (key: string): string => partsOf(key)[0] ?? "";
