import { createHash } from "node:crypto";
import type { Chance } from "./chance.js";

/** A version, as an answer describes it. */
export interface Published {
  readonly bucket: string;
  readonly key: string;
  readonly version: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** An upload, as an answer reports it. Members that the answer does not have are undefined. */
export interface Reported {
  readonly offset: number;
  readonly size?: number | null | undefined;
  readonly status?: string | undefined;
  readonly artifact?: Published | undefined;
}

/** The changes that one request may make to an upload. A request without `end` brings no bytes. */
export interface Attempt {
  /** The highest offset that its bytes can reach. */
  readonly end?: number;
  readonly mayComplete?: boolean;
  readonly mayAbort?: boolean;
  readonly maySetSize?: boolean;
  /** Returns whether the server process of the request has ended, so that the request can change nothing any more. */
  isOver?(): boolean;
}

/** The result that a request must have. It is "either" if concurrent requests may come before or after it. */
export type Verdict = "accept" | "refuse" | "either";

/** An append, as its client intends it. */
export interface Append {
  readonly offset: number;
  readonly bytes: Buffer;
  /** It ends an upload of undeclared size. */
  readonly isLast: boolean;
  /** Its protocol has no replays, so its offset must be that of the upload. */
  readonly isStrict: boolean;
  /** Its digest does not match its bytes. */
  readonly isDamaged: boolean;
}

/** A server broke a rule. */
export class AttackFault extends Error {
  override readonly name = "AttackFault";
}

/** @throws AttackFault */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new AttackFault(what);
}

export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/**
 * A simple model of one upload. All its clients send the same file, so the offset is its whole state. Acknowledged
 * bytes are stored. While requests have not been answered, the offset may be anywhere between the acknowledged bytes
 * and the bytes that were sent.
 */
export class UploadModel {
  readonly id: string;
  readonly key: string;
  readonly file: Buffer;
  /** Null until it is declared; then the size of the file. */
  size: number | null;
  status: "open" | "complete" | "aborted" = "open";
  published: Published | undefined;
  /** Number of acknowledged bytes. */
  #least = 0;
  /** Requests that were sent and wait for their answers. */
  readonly #running = new Set<Attempt>();
  #begun = 0;
  /** Requests that will never be answered. They may still take effect while their server runs. */
  #lost: Attempt[] = [];
  /** Requests that are over. The next look at the upload shows what they have done. */
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

  /** Whether the state of the upload is known exactly, because no request can change it. */
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

  /** Returns the result that an append sent now must have. @param isAlone no other request is sent at the same time */
  verdictOn({ offset, bytes, isStrict, isDamaged }: Append, isAlone: boolean): Verdict {
    const end = offset + bytes.length;
    const known = this.file.subarray(offset, Math.min(end, this.#least));
    const isForeign = !known.equals(bytes.subarray(0, known.length)); // differs from the acknowledged bytes
    if (isDamaged || isForeign || end > this.file.length) return "refuse";
    if (!isAlone || !this.isExact) return "either";
    if (this.status === "aborted") return "refuse";
    if (isStrict ? offset !== this.#least : offset > this.#least) return "refuse";
    if (this.status === "complete" && end > this.#least) return "refuse";
    return "accept";
  }

  /** Returns the result that a completion sent now must have. */
  verdictOnCompletion(isAlone: boolean): Verdict {
    if (!isAlone || !this.isExact) return "either";
    if (this.status !== "open") return this.status === "complete" ? "accept" : "refuse";
    return this.size === null || this.#least === this.size ? "accept" : "refuse";
  }

  begin(attempt: Attempt): void {
    this.#running.add(attempt);
    this.#begun += 1;
  }

  /** The request has been answered, with any answer. */
  answered(attempt: Attempt): void {
    this.#running.delete(attempt);
    this.#doubtful.push(attempt);
  }

  /** The request got no answer. */
  unanswered(attempt: Attempt): void {
    this.#running.delete(attempt);
    this.#lost.push(attempt);
  }

  /** The server acknowledged all bytes before `offset`. */
  acknowledge(offset: number): void {
    this.#least = Math.max(this.#least, offset);
  }

  /**
   * Must be called before a request for the state is sent. Returns a function that checks its answer. If no other
   * request ran meanwhile, the requests that were over before can change nothing any more.
   */
  look(): (reported: Reported) => void {
    const exact = this.isExact ? { offset: this.#least, status: this.status } : undefined;
    const over = new Set([...this.#doubtful, ...this.#lost.filter(({ isOver }) => isOver?.() === true)]);
    const [isAlone, begun] = [this.#running.size === 0, this.#begun];
    const compare = this.append();
    return (reported) => {
      compare(reported);
      if (!isAlone || this.#begun !== begun) return;
      if (exact !== undefined) {
        const offset = exact.status === "aborted" ? 0 : exact.offset; // its bytes are gone
        const isSame = reported.offset === offset && (reported.status ?? exact.status) === exact.status;
        must(isSame, `upload ${this.id} is reported as ${inShort(reported)}, and should be ${JSON.stringify(exact)}`);
      }
      const reportsAll = reported.status !== undefined && reported.size !== undefined; // a HEAD does not
      const isOpen = (attempt: Attempt): boolean => !over.has(attempt) || (!reportsAll && isDecisive(attempt));
      this.#doubtful = this.#doubtful.filter(isOpen);
      this.#lost = this.#lost.filter(isOpen);
    };
  }

  /**
   * Must be called after `begin` for a request that appends or completes. Returns a function that checks its answer.
   */
  append(): (reported: Reported) => void {
    const least = this.#least;
    return (reported) => {
      const is = `upload ${this.id} is reported as ${inShort(reported)}`;
      const isEnded = reported.status === "aborted" || reported.status === "expired"; // its bytes are gone
      must(isEnded || reported.offset >= least, `${is}, and ${least} bytes were acknowledged`);
      must(reported.offset <= this.most, `${is}, and no more than ${this.most} bytes were sent`);
      if (reported.status === "aborted") this.end("aborted");
      if (reported.artifact !== undefined) this.complete(reported.artifact);
      else must(reported.status !== "complete", `${is}, without its artifact`);
      this.#compareSize(is, reported);
      this.acknowledge(reported.offset);
    };
  }

  #compareSize(is: string, { size }: Reported): void {
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

  /** From now on the upload cannot change. */
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

/** Returns whether a request may change more than the offset. */
function isDecisive({ mayComplete, mayAbort, maySetSize }: Attempt): boolean {
  return mayComplete === true || mayAbort === true || maySetSize === true;
}

function inShort({ offset, size, status, artifact }: Reported): string {
  return JSON.stringify({
    offset,
    size,
    status,
    artifact: artifact && [artifact.version, artifact.bytes, artifact.sha256],
  });
}

/** All published versions that were seen. A version of a key never changes. */
export class Ledger {
  readonly #versions = new Map<string, Published>();

  record(artifact: Published): void {
    const name = `${artifact.bucket}/${artifact.key} version ${artifact.version}`;
    const known = this.#versions.get(name);
    const isSame = known === undefined || (known.sha256 === artifact.sha256 && known.bytes === artifact.bytes);
    must(isSame, `${name} was ${known?.sha256} and is ${artifact.sha256}`);
    this.#versions.set(name, artifact);
  }

  get count(): number {
    return this.#versions.size;
  }

  /** Returns at most `most` versions. */
  sample(most: number, chance: Chance): Published[] {
    const all = [...this.#versions.values()];
    return all.length <= most ? all : Array.from({ length: most }, () => chance.pick(all));
  }
}
