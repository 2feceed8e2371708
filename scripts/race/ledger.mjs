// What has been answered so far, and what must therefore be so from then on, whoever is asked.
import { contentOf, isContent, labelOf, leastBytes, sha256Of } from "./content.mjs";

export const bucket = "race";
export const keepVersions = 12;
export const counterKey = "counter.txt";
/** The newest version of these is never deleted. */
export const keptKeys = ["kept/0.bin", "kept/1.txt"];
/** Deleted as a whole now and then. No two publications of them are the same. */
export const fleetingKeys = ["fleeting/0.bin", "fleeting/1.txt"];

/** @param {string} key */
export const isLasting = (key) => key === counterKey || keptKeys.includes(key);

export class Ledger {
  /** @type {string[]} */
  faults = [];
  /** Every call and answer, for whoever looks for what led to a fault. @type {string[]} */
  trace = [];
  /** Versions saved on top of each other under the counter's key; and those whose answer was lost. */
  counted = 0;
  unheard = 0;
  /** The digest of each version that there ever was: no number is given twice. @type {Map<string, string>} */
  #digests = new Map();
  /** Who was given each version: a save or a session. @type {Map<string, string>} */
  #givenTo = new Map();
  /** The highest version that was answered, by key. @type {Map<string, number>} */
  #highest = new Map();
  /** Versions of lasting keys that somebody has asked to delete. @type {Set<string>} */
  #deleting = new Set();
  /** Sessions: bytes that were acknowledged, and how they ended. @type {Map<string, number>} */
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

  /** The highest version of a key that was answered; 0 where there is none. @param {string} key */
  highest(key) {
    return this.#highest.get(key) ?? 0;
  }

  /** An artifact as some answer says: a version is the same for ever, also where the key was deleted. @param {any} artifact */
  saw({ key, version, sha256 }) {
    const name = `${key} version ${version}`;
    const known = this.#digests.get(name);
    this.check(known === undefined || known === sha256, `${name} was ${known} and is ${sha256}`);
    this.#digests.set(name, sha256);
    this.#highest.set(key, Math.max(this.highest(key), version));
  }

  /**
   * A version that was made by one save or one upload, and by no other. One that was there already is nobody's.
   *
   * @param {any} artifact @param {string} maker
   */
  gave({ key, version, already_saved }, maker) {
    if (already_saved) return;
    const name = `${key} version ${version}`;
    const known = this.#givenTo.get(name) ?? maker;
    this.check(known === maker, `${name} was given to ${known} and to ${maker}`);
    this.#givenTo.set(name, known);
  }

  /** @param {string} key @param {number} version */
  deletes(key, version) {
    this.#deleting.add(`${key} version ${version}`);
  }

  /**
   * All versions of a lasting key: newest first, without a gap that nobody made, up to the last that was answered
   * before they were asked for.
   *
   * @param {string} key @param {any[]} versions @param {number} before
   */
  sawVersions(key, versions, before) {
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

  /** @param {any} artifact @param {Uint8Array} bytes what was read of it */
  sawContent({ key, version }, bytes) {
    const name = `${key} version ${version}`;
    if (key === counterKey) {
      this.check(String(bytes).startsWith(`${version} `), `${name} holds "${bytes}"`);
      return;
    }
    this.check(bytes.length >= leastBytes && isContent(bytes), `${name} is no content that anybody saved`);
    this.check(!this.#aborted.has(labelOf(bytes)), `${name} holds an upload that was aborted`);
  }

  /** What is known of a session before a call, to be compared with its answer. @param {string} id */
  before(id) {
    return {
      offset: this.#offsets.get(id) ?? 0,
      isAborted: this.#aborted.has(id),
      artifact: this.#completed.get(id),
    };
  }

  /**
   * A session as an answer shows it, against what was known before its call.
   *
   * @param {any} session @param {ReturnType<Ledger["before"]>} before
   */
  sawSession({ id, key, status, offset, size, artifact }, before) {
    const name = `session ${id} (${status}, ${offset} of ${size} bytes)`;
    this.check(offset >= before.offset, `${name}: ${before.offset} bytes were acknowledged`);
    this.check(size === null || offset <= size, `${name} is too long`);
    this.check(!before.isAborted || status === "aborted", `${name} was aborted`);
    this.check(before.artifact === undefined || status === "complete", `${name} was complete`);
    this.#offsets.set(id, Math.max(this.#offsets.get(id) ?? 0, offset));
    if (status === "aborted") this.#aborted.add(id);
    if (status === "complete") this.#sawCompleted(name, { id, key, offset, size }, artifact);
  }

  /** @param {string} name @param {any} session @param {any} artifact */
  #sawCompleted(name, { id, key, offset, size }, artifact) {
    const known = this.#completed.get(id) ?? artifact;
    this.check(artifact?.version === known.version, `${name} was version ${known.version} and is ${artifact?.version}`);
    this.check(size === null || offset === size, `${name} is complete and not whole`);
    this.check(artifact.key === key && artifact.bytes === offset, `${name} has another's artifact`);
    this.check(artifact.sha256 === sha256Of(contentOf(id, 0, offset)), `${name} is not what was uploaded`);
    this.#completed.set(id, known);
    this.saw(artifact);
    this.gave(artifact, `session ${id}`);
  }
}
