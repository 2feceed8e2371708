import { createHash } from "node:crypto";
import type { Chance } from "./chance.js";

/** A version as an answer tells of it. */
export interface Published {
  readonly bucket: string;
  readonly key: string;
  readonly version: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** An upload as an answer tells of it; what the answer did not say is undefined. */
export interface Told {
  readonly offset: number;
  readonly size?: number | null | undefined;
  readonly status?: string | undefined;
  readonly artifact?: Published | undefined;
}

/** What one request may do to an upload. Requests that say nothing of `end` bring no bytes. */
export interface Attempt {
  /** Behind the last byte that is sent at most. */
  readonly end?: number;
  readonly mayComplete?: boolean;
  readonly mayAbort?: boolean;
  readonly maySetSize?: boolean;
  /** Whether the process is gone that it was sent to, so that nothing can come of it any more. */
  isOver?(): boolean;
}

/** What has to come of a request: "either" where others are under way that may come before or after it. */
export type Verdict = "take" | "refuse" | "either";

/** An append as its client means it. */
export interface Append {
  readonly offset: number;
  readonly bytes: Buffer;
  /** It ends an upload whose size nobody has said. */
  readonly isLast: boolean;
  /** Its dialect has no replays: the offset must be the upload's. */
  readonly isStrict: boolean;
  /** Its digest is not that of its bytes. */
  readonly isDamaged: boolean;
}

export class AttackFault extends Error {
  override readonly name = "AttackFault";
}

/** @throws AttackFault */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new AttackFault(what);
}

export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/**
 * One upload as anybody would imagine it: all its clients send one file, so that how far it is says all of it. What was
 * acknowledged is there. Beyond that, as long as requests have not been answered, it may be anywhere up to what they
 * have sent.
 */
export class UploadModel {
  readonly id: string;
  readonly key: string;
  readonly file: Buffer;
  /** Null as long as nobody has said it; else the file's. */
  size: number | null;
  status: "open" | "complete" | "aborted" = "open";
  published: Published | undefined;
  /** Bytes that have been acknowledged. */
  #least = 0;
  /** Under way now. */
  readonly #running = new Set<Attempt>();
  #begun = 0;
  /** Never answered: they may come to pass as long as their server lives. */
  #lost: Attempt[] = [];
  /** Answered, or their server is dead: what they have done shows when the upload is looked at next. */
  #doubtful: Attempt[] = [];

  constructor(id: string, key: string, file: Buffer, size: number | null) {
    this.id = id;
    this.key = key;
    this.file = file;
    this.size = size;
  }

  get least(): number {
    return this.#least;
  }

  get most(): number {
    return Math.max(this.#least, ...this.#open().map(({ end = 0 }) => end));
  }

  /** Nothing is under way: the upload is what this says. */
  get isExact(): boolean {
    const changes = ({ end = 0, mayComplete, mayAbort, maySetSize }: Attempt): boolean =>
      end > this.#least || mayComplete === true || mayAbort === true || (maySetSize === true && this.size === null);
    const isBeingPublished = this.status === "open" && this.#least === this.size;
    return this.#running.size === 0 && !isBeingPublished && !this.#open().some(changes);
  }

  #open(): Attempt[] {
    return [...this.#running, ...this.#lost, ...this.#doubtful];
  }

  may(what: "mayComplete" | "mayAbort" | "maySetSize"): boolean {
    return this.#open().some((attempt) => attempt[what] === true);
  }

  /** What has to come of an append that is sent now. @param isAlone no other is sent at the same time */
  judge({ offset, bytes, isStrict, isDamaged }: Append, isAlone: boolean): Verdict {
    const end = offset + bytes.length;
    const known = this.file.subarray(offset, Math.min(end, this.#least));
    const isForeign = !known.equals(bytes.subarray(0, known.length)); // differs from what was acknowledged
    if (isDamaged || isForeign || end > this.file.length) return "refuse";
    if (!isAlone || !this.isExact) return "either";
    if (this.status === "aborted") return "refuse";
    if (isStrict ? offset !== this.#least : offset > this.#least) return "refuse";
    if (this.status === "complete" && end > this.#least) return "refuse";
    return "take";
  }

  /** What has to come of a completion that is sent now. */
  judgeCompletion(isAlone: boolean): Verdict {
    if (!isAlone || !this.isExact) return "either";
    if (this.status !== "open") return this.status === "complete" ? "take" : "refuse";
    return this.size === null || this.#least === this.size ? "take" : "refuse";
  }

  begin(attempt: Attempt): void {
    this.#running.add(attempt);
    this.#begun += 1;
  }

  /** It has been answered, by whatever answer. */
  answered(attempt: Attempt): void {
    this.#running.delete(attempt);
    this.#doubtful.push(attempt);
  }

  /** It got no answer. */
  unheard(attempt: Attempt): void {
    this.#running.delete(attempt);
    this.#lost.push(attempt);
  }

  /** So many bytes were acknowledged. */
  acknowledge(offset: number): void {
    this.#least = Math.max(this.#least, offset);
  }

  /**
   * For a request that only looks, before it is sent: what its answer is compared with. Once it was sent while nothing
   * else ran, requests that were over before it can change nothing any more.
   */
  look(): (told: Told) => void {
    const exact = this.isExact ? { offset: this.#least, status: this.status } : undefined;
    const over = new Set([...this.#doubtful, ...this.#lost.filter(({ isOver }) => isOver?.() === true)]);
    const [isAlone, begun] = [this.#running.size === 0, this.#begun];
    const compare = this.append();
    return (told) => {
      compare(told);
      if (!isAlone || this.#begun !== begun) return;
      if (exact !== undefined) {
        const isSame = told.offset === exact.offset && (told.status ?? exact.status) === exact.status;
        must(isSame, `upload ${this.id} is told as ${inShort(told)}, and should be ${JSON.stringify(exact)}`);
      }
      const tellsAll = told.status !== undefined && told.size !== undefined; // a HEAD does not
      const isOpen = (attempt: Attempt): boolean => !over.has(attempt) || (!tellsAll && isDecisive(attempt));
      this.#doubtful = this.#doubtful.filter(isOpen);
      this.#lost = this.#lost.filter(isOpen);
    };
  }

  /** The same for a request that brings bytes, or ends it: it has begun, and is not counted as answered yet. */
  append(): (told: Told) => void {
    const least = this.#least;
    return (told) => {
      const is = `upload ${this.id} is told as ${inShort(told)}`;
      must(told.offset >= least, `${is}, and ${least} bytes were acknowledged`);
      must(told.offset <= this.most, `${is}, and no more than ${this.most} bytes were sent`);
      if (told.status === "aborted") this.end("aborted");
      if (told.artifact !== undefined) this.complete(told.artifact);
      else must(told.status !== "complete", `${is}, without its artifact`);
      this.#compareSize(is, told);
      this.acknowledge(told.offset);
    };
  }

  #compareSize(is: string, { size }: Told): void {
    if (size === undefined || size === this.size) return;
    const isPublished = this.published !== undefined && size === this.published.bytes;
    const isDeclared = size === this.file.length && this.may("maySetSize");
    must(this.size === null && (isPublished || isDeclared), `${is}: its size was ${this.size}`);
    this.size = size;
  }

  complete(artifact: Published): void {
    const is = `upload ${this.id} has published ${JSON.stringify(artifact)}`;
    if (this.published === undefined) {
      const { bytes } = artifact;
      const isFilled = this.#least === this.size || (this.may("maySetSize") && bytes === this.file.length);
      must(this.status === "open" && (this.may("mayComplete") || isFilled), `${is}, and is ${this.status}`);
      must(bytes >= this.#least && bytes <= this.most, `${is}: ${this.#least} to ${this.most} bytes were uploaded`);
      must(this.size === null || bytes === this.size, `${is}: its size is ${this.size}`);
      must(artifact.key === this.key, `${is}: its key is ${this.key}`);
      must(artifact.sha256 === sha256Of(this.file.subarray(0, bytes)), `${is}: not what was uploaded`);
      this.published = artifact;
    }
    const { version, sha256 } = this.published;
    must(artifact.version === version && artifact.sha256 === sha256, `${is}: it was ${version}, ${sha256}`);
    this.acknowledge(artifact.bytes);
    this.end("complete");
  }

  /** From here on it stays as it is. */
  end(status: "complete" | "aborted"): void {
    if (this.status !== status) {
      const may = status === "complete" || this.may("mayAbort");
      must(this.status === "open" && may, `upload ${this.id} is ${status}, and was ${this.status}`);
    }
    this.status = status;
    this.#lost = [];
    this.#doubtful = [];
  }
}

/** It may change more than how far the upload is. */
function isDecisive({ mayComplete, mayAbort, maySetSize }: Attempt): boolean {
  return mayComplete === true || mayAbort === true || maySetSize === true;
}

function inShort({ offset, size, status, artifact }: Told): string {
  return JSON.stringify({
    offset,
    size,
    status,
    artifact: artifact && [artifact.version, artifact.bytes, artifact.sha256],
  });
}

/** All that was published and heard of: a version of a key is the same for ever. */
export class Ledger {
  readonly #versions = new Map<string, Published>();

  saw(artifact: Published): void {
    const name = `${artifact.bucket}/${artifact.key} version ${artifact.version}`;
    const known = this.#versions.get(name);
    const isSame = known === undefined || (known.sha256 === artifact.sha256 && known.bytes === artifact.bytes);
    must(isSame, `${name} was ${known?.sha256} and is ${artifact.sha256}`);
    this.#versions.set(name, artifact);
  }

  get count(): number {
    return this.#versions.size;
  }

  /** Some of them, or all. */
  sample(most: number, chance: Chance): Published[] {
    const all = [...this.#versions.values()];
    return all.length <= most ? all : Array.from({ length: most }, () => chance.pick(all));
  }
}
