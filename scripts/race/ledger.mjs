// Records what the servers have answered. Later answers of any server must agree with it.
import { contentOf, isContent, labelOf, leastBytes, sha256Of } from "./content.mjs";

export const bucket = "race";
export const keepVersions = 12;
export const counterKey = "counter.txt";
/** Keys whose newest version is never deleted. */
export const keptKeys = ["kept/0.bin", "kept/1.txt"];
/** Keys that are deleted now and then, with all versions. No two versions of them have the same content. */
export const fleetingKeys = ["fleeting/0.bin", "fleeting/1.txt"];

/** @param {string} key */
export const isLasting = (key) => key === counterKey || keptKeys.includes(key);

export class Ledger {
  /** @type {string[]} */
  faults = [];
  /** Every call and answer, to find out what led to a fault. @type {string[]} */
  trace = [];
  /** Saves of the counter that were answered. */
  counted = 0;
  /** Saves of the counter that have no answer yet, or whose answer was lost. */
  unanswered = 0;
  /** The digest of every version that was ever answered: no number may be given twice. @type {Map<string, string>} */
  #digests = new Map();
  /** The save or the session that made each version. @type {Map<string, string>} */
  #makers = new Map();
  /** The highest version of each key that was answered. @type {Map<string, number>} */
  #highest = new Map();
  /** Versions of lasting keys that a client has asked to delete. @type {Set<string>} */
  #deleting = new Set();
  /** The acknowledged bytes of each session. @type {Map<string, number>} */
  #offsets = new Map();
  /** @type {Set<string>} */
  #aborted = new Set();
  /** @type {Map<string, any>} */
  #completed = new Map();
  #began = performance.now();

  /** @param {string} line */
  note(line) {
    this.trace.push(`${((performance.now() - this.#began) / 1000).toFixed(3)} ${line}`);
  }

  /** @param {string} what */
  fault(what) {
    this.faults.push(what);
    this.note(`FAULT ${what}`);
  }

  /** @param {boolean} holds @param {string} what */
  check(holds, what) {
    if (!holds) this.fault(what);
  }

  /** The highest version of a key that was answered; 0 if there is none. @param {string} key */
  highest(key) {
    return this.#highest.get(key) ?? 0;
  }

  /** Checks and records an artifact in an answer. A version never changes, also if the key was deleted. @param {any} artifact */
  recordVersion({ key, version, sha256 }) {
    const name = `${key} version ${version}`;
    const known = this.#digests.get(name);
    this.check(known === undefined || known === sha256, `${name} was ${known} and is ${sha256}`);
    this.#digests.set(name, sha256);
    this.#highest.set(key, Math.max(this.highest(key), version));
  }

  /**
   * Records which save or upload made a version. Only one can. A version that was there already is not counted.
   *
   * @param {any} artifact @param {string} maker
   */
  recordMaker({ key, version, already_saved }, maker) {
    if (already_saved) return;
    const name = `${key} version ${version}`;
    const known = this.#makers.get(name) ?? maker;
    this.check(known === maker, `${name} was given to ${known} and to ${maker}`);
    this.#makers.set(name, known);
  }

  /** @param {string} key @param {number} version */
  recordDeletion(key, version) {
    this.#deleting.add(`${key} version ${version}`);
  }

  /**
   * Checks a list of all versions of a lasting key: newest first, and without gaps except where a client has deleted.
   *
   * @param {string} key @param {any[]} versions
   * @param {number} before the highest version that was answered before the list was asked for
   */
  checkVersions(key, versions, before) {
    const numbers = versions.map(({ version }) => version);
    const newest = numbers[0] ?? 0;
    const listing = `${key} has versions ${numbers.join(" ")}`;
    this.check(newest >= before, `${listing}, although ${before} was answered before`);
    this.check(numbers.length <= keepVersions, `${listing}: more than ${keepVersions}`);
    this.check(
      numbers.every((number, n) => n === 0 || number < numbers[n - 1]),
      `${listing}, out of order`,
    );
    for (let version = Math.max(1, newest - keepVersions + 1); version <= newest; version += 1) {
      const isGone = !numbers.includes(version) && !this.#deleting.has(`${key} version ${version}`);
      this.check(!isGone, `${listing}: ${version} is missing`);
    }
  }

  /** @param {any} artifact @param {Uint8Array} bytes its content, as it was read */
  checkContent({ key, version }, bytes) {
    const name = `${key} version ${version}`;
    if (key === counterKey) {
      this.check(String(bytes).startsWith(`${version} `), `${name} holds "${bytes}"`);
      return;
    }
    this.check(bytes.length >= leastBytes && isContent(bytes), `${name} is not a content that a client has saved`);
    this.check(!this.#aborted.has(labelOf(bytes)), `${name} holds an upload that was aborted`);
  }

  /** Returns what is known of a session before a call. `checkSession` compares the answer with it. @param {string} id */
  before(id) {
    return {
      offset: this.#offsets.get(id) ?? 0,
      isAborted: this.#aborted.has(id),
      artifact: this.#completed.get(id),
    };
  }

  /**
   * Checks and records a session in an answer.
   *
   * @param {any} session @param {ReturnType<Ledger["before"]>} before
   */
  checkSession({ id, key, status, offset, size, artifact }, before) {
    const name = `session ${id} (${status}, ${offset} of ${size} bytes)`;
    const hasBytes = status !== "aborted" && status !== "expired";
    this.check(!hasBytes || offset >= before.offset, `${name}: ${before.offset} bytes were acknowledged`);
    this.check(size === null || offset <= size, `${name} is too long`);
    this.check(!before.isAborted || status === "aborted", `${name} was aborted`);
    this.check(before.artifact === undefined || status === "complete", `${name} was complete`);
    this.#offsets.set(id, Math.max(this.#offsets.get(id) ?? 0, offset));
    if (status === "aborted") this.#aborted.add(id);
    if (status === "complete") this.#checkCompleted(name, { id, key, offset, size }, artifact);
  }

  /** @param {string} name @param {any} session @param {any} artifact */
  #checkCompleted(name, { id, key, offset, size }, artifact) {
    const known = this.#completed.get(id) ?? artifact;
    this.check(artifact?.version === known.version, `${name} was version ${known.version} and is ${artifact?.version}`);
    this.check(size === null || offset === size, `${name} is complete and not whole`);
    this.check(artifact.key === key && artifact.bytes === offset, `${name} has the artifact of another upload`);
    this.check(artifact.sha256 === sha256Of(contentOf(id, 0, offset)), `${name} is not what was uploaded`);
    this.#completed.set(id, known);
    this.recordVersion(artifact);
    this.recordMaker(artifact, `session ${id}`);
  }
}
