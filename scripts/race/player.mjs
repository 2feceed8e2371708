// A client that makes random calls. Other clients do the same, on the same few keys.
import { ToolError } from "../harness.mjs";
import { contentOf, isText, leastBytes, numberOf, sha256Of } from "./content.mjs";
import { bucket, counterKey, fleetingKeys, isLasting, keptKeys } from "./ledger.mjs";

/** The server was killed before it answered: whether the call changed anything is not known. */
export class LostAnswer extends Error {}

/**
 * The errors that may come, and what a client does about each. Each call names those that it may get. Any other error is
 * a fault.
 *
 * - `version_conflict`: read the newest version, and save on top of it; complete or abort an upload in conflict.
 * - `offset_conflict`: go on from the offset in the error.
 * - `artifact_not_found`, `bucket_not_found`: it was deleted, or never existed: save it, or go on without it.
 * - `session_not_found`, `session_expired`, `session_closed`: a client ended the upload, or it expired: begin another.
 * - `incomplete`: upload the rest.
 * - `checksum_mismatch`: another client has gone on uploading: ask for the session again.
 * - `internal` with the message below: a sweep without grace took a running save for a dead one: save again.
 */
export const givenUpMessage = "Saving took too long and was given up. Nothing was saved.";

const sessionEnds = ["session_not_found", "session_expired", "session_closed"];
const writtenKeys = [...keptKeys, ...fleetingKeys];
const mostOpenUploads = 8;

/**
 * @typedef {object} Shared what all players share
 * @property {import("./ledger.mjs").Ledger} ledger
 * @property {boolean} mayGiveUp whether the sweeps give up saves that still run
 * @property {{ calls: Map<string, number>, refusals: Map<string, number>, bytes: number, givenUp: number, unanswered: number }} totals
 */

export class Player {
  #name;
  #server;
  #random;
  #shared;
  #saves = 0;

  /**
   * @param {string} name
   * @param {() => Promise<import("../harness.mjs").Server>} server returns the server that runs now
   * @param {() => number} random
   * @param {Shared} shared
   */
  constructor(name, server, random, shared) {
    this.#name = name;
    this.#server = server;
    this.#random = random;
    this.#shared = shared;
  }

  /** Makes one random call, or a few that belong together. A lost answer is no fault. */
  async turn() {
    const { ledger, totals } = this.#shared;
    try {
      await this.#pick([
        [20, () => this.#save()],
        [20, () => this.#count()],
        [30, () => this.#upload()],
        [12, () => this.readArtifact(this.#one([counterKey, ...writtenKeys]))],
        [8, () => this.#list()],
        [6, () => this.#delete()],
      ]);
    } catch (error) {
      if (error instanceof LostAnswer) totals.unanswered += 1;
      else ledger.fault(`${this.#name}: ${error instanceof Error ? error.stack : error}`);
    }
  }

  /** @param {number} least @param {number} most */
  #between(least, most) {
    return least + Math.floor(this.#random() * (most - least + 1));
  }

  /** @template T @param {readonly T[]} all @returns {T} */
  #one(all) {
    return /** @type {T} */ (all[this.#between(0, all.length - 1)]);
  }

  /** @param {number} share */
  #chance(share) {
    return this.#random() < share;
  }

  /** Does one of these at random, by their weights. @param {[number, () => Promise<unknown>][]} acts */
  #pick(acts) {
    let at = this.#random() * acts.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, act] of acts) {
      at -= weight;
      if (at < 0) return act();
    }
    throw new Error("weights add up to more than their sum");
  }

  /**
   * Returns the answer. Returns undefined if it is one of the errors in `actable`, which this client can act on.
   *
   * @param {string} tool @param {Record<string, unknown>} args @param {readonly string[]} [actable] codes
   */
  #call(tool, args, actable = []) {
    return this.#ask(tool, short(args), (server) => server.call(tool, args), actable);
  }

  /**
   * @template T
   * @param {string} kind @param {string} what
   * @param {(server: import("../harness.mjs").Server) => Promise<T>} ask
   * @param {readonly string[]} actable
   * @returns {Promise<T | undefined>}
   */
  async #ask(kind, what, ask, actable) {
    for (;;) {
      const answer = await this.#askOnce(kind, what, ask);
      if (!(answer instanceof ToolError)) return answer;
      if (this.#isGivenUp(answer)) continue;
      if (!actable.includes(answer.code)) throw answer;
      add(this.#shared.totals.refusals, answer.code);
      return undefined;
    }
  }

  /**
   * @template T
   * @param {string} kind @param {string} what
   * @param {(server: import("../harness.mjs").Server) => Promise<T>} ask
   * @returns {Promise<T | ToolError>} @throws LostAnswer
   */
  async #askOnce(kind, what, ask) {
    const { ledger, totals } = this.#shared;
    const asked = `${this.#name} ${kind} ${what}`;
    add(totals.calls, kind);
    const server = await this.#server();
    ledger.note(asked);
    try {
      const answer = await ask(server);
      ledger.note(`${asked} -> ${Buffer.isBuffer(answer) ? `${answer.length} bytes` : short(answer)}`);
      return answer;
    } catch (error) {
      ledger.note(`${asked} -> ${error}`);
      if (error instanceof ToolError) return error;
      throw server.isKilled() ? new LostAnswer() : error;
    }
  }

  /** @param {ToolError} error */
  #isGivenUp({ code, message }) {
    const { mayGiveUp, totals } = this.#shared;
    if (!mayGiveUp || code !== "internal" || !message.includes(givenUpMessage)) return false;
    totals.givenUp += 1;
    return true;
  }

  /** The errors that `get_artifact` may answer for a key. @param {string} key */
  #absence(key) {
    return isLasting(key) && this.#shared.ledger.highest(key) > 0 ? [] : ["artifact_not_found"];
  }

  /** @param {string} key @returns {Promise<any>} */
  async #newest(key) {
    const before = this.#shared.ledger.highest(key);
    const found = await this.#call("get_artifact", { bucket, key }, this.#absence(key));
    if (found === undefined) return undefined;
    this.#shared.ledger.recordVersion(found);
    this.#shared.ledger.check(
      !isLasting(key) || found.version >= before,
      `the newest ${key} is ${found.version}, after ${before}`,
    );
    return found;
  }

  /** Returns no `if_version`, that of the newest version, or that of a key that does not exist. @param {string} key @param {number} share */
  async #guard(key, share) {
    if (!this.#chance(share)) return {};
    return { if_version: this.#chance(0.2) ? 0 : ((await this.#newest(key))?.version ?? 0) };
  }

  async #save() {
    const { ledger, totals } = this.#shared;
    const key = this.#one(writtenKeys);
    this.#saves += 1;
    // The last content once more, under a lasting key: the newest version may have this content already.
    const isAgain = isLasting(key) && this.#saves > 1 && this.#chance(0.2);
    const label = `${this.#name} save ${isAgain ? this.#saves - 1 : this.#saves}${isLasting(key) ? "" : " fleeting"}`;
    const most = this.#chance(0.03) ? 1_048_576 : this.#chance(0.1) ? 100_000 : 4_000;
    const bytes = contentOf(label, 0, isAgain ? leastBytes : this.#between(leastBytes, most));
    const guard = await this.#guard(key, 0.5);
    const args = { bucket, key, ...this.#written("content", label, bytes), ...guard };
    const saved = await this.#call("save_artifact", args, "if_version" in guard ? ["version_conflict"] : []);
    if (saved === undefined) return;
    totals.bytes += bytes.length;
    ledger.recordVersion(saved);
    ledger.check(saved.sha256 === sha256Of(bytes), `${key} version ${saved.version} is not what was saved`);
    ledger.recordMaker(saved, label);
    const isNext = isAgain || !isLasting(key) || saved.version === (guard.if_version ?? saved.version - 1) + 1;
    ledger.check(isNext, `${key} version ${saved.version} was saved with if_version ${guard.if_version}`);
  }

  /** @param {string} argument @param {string} label @param {Buffer} bytes */
  #written(argument, label, bytes) {
    if (isText(label) && this.#chance(0.7)) return { [argument]: bytes.toString("latin1") };
    return { [argument]: bytes.toString("base64"), encoding: "base64" };
  }

  /** Adds one to the counter, if no other client does so at the same time: so number and version stay equal. */
  async #count() {
    const { ledger } = this.#shared;
    const newest = await this.#newest(counterKey);
    const if_version = newest?.version ?? 0;
    const found = newest && (await this.#readWhole(newest));
    if (newest && found === undefined) return; // newer versions have replaced it since
    const number = found === undefined ? 0 : Number.parseInt(String(found), 10);
    this.#saves += 1;
    const content = `${number + 1} by ${this.#name}, save ${this.#saves}`;
    ledger.unanswered += 1;
    const args = { bucket, key: counterKey, content, if_version };
    const saved = await this.#call("save_artifact", args, ["version_conflict"]);
    ledger.unanswered -= 1;
    if (saved === undefined) return;
    ledger.counted += 1;
    ledger.recordVersion(saved);
    ledger.check(saved.sha256 === sha256Of(content), `${counterKey} version ${saved.version} is not "${content}"`);
    ledger.check(saved.version === if_version + 1, `${counterKey} went from ${if_version} to ${saved.version}`);
  }

  /** Reads the newest version of an artifact. @param {string} key */
  async readArtifact(key) {
    const newest = await this.#newest(key);
    if (newest !== undefined) await this.#readWhole(newest);
  }

  /**
   * Reads a version, and compares it with its digest. Returns undefined if it no longer exists.
   *
   * @param {any} artifact
   * @returns {Promise<Buffer | undefined>}
   */
  async #readWhole({ key, version, sha256 }) {
    const { ledger } = this.#shared;
    const bytes = await (this.#chance(0.5) ? this.#readResource(key, version) : this.#readPages(key, version));
    if (bytes === undefined) return undefined;
    if (sha256Of(bytes) === sha256) {
      ledger.checkContent({ key, version }, bytes);
      return bytes;
    }
    ledger.fault(`${key} version ${version} is ${sha256} and reads as ${sha256Of(bytes)}`);
    return undefined;
  }

  /** @param {string} key @param {number} version */
  #readResource(key, version) {
    const uri = `artifact://${bucket}/${key}?version=${version}`;
    return this.#ask("resources/read", uri, (server) => server.read(uri), ["artifact_not_found"]);
  }

  /** @param {string} key @param {number} version */
  async #readPages(key, version) {
    const pages = [];
    const length = this.#chance(0.3) ? this.#between(1_000, 50_000) : 1_048_576;
    const encoding = this.#one(["auto", "base64"]);
    for (let offset = 0; offset !== undefined; ) {
      const args = { bucket, key, version, offset, length, encoding };
      /** @type {any} */
      const page = await this.#call("read_artifact", args, ["artifact_not_found"]);
      if (page === undefined) return undefined;
      const [{ text: where }, { text }] = page.content;
      pages.push(Buffer.from(text, where.includes(" as base64, ") ? "base64" : "utf8"));
      offset = page._meta.next_offset;
    }
    return Buffer.concat(pages);
  }

  async #list() {
    const { ledger } = this.#shared;
    if (this.#chance(0.4)) return this.listVersions(this.#one([counterKey, ...writtenKeys]));
    const expected = [counterKey, ...keptKeys].filter((key) => ledger.highest(key) > 0);
    const actable = expected.length > 0 ? [] : ["bucket_not_found"];
    if (this.#chance(0.3)) {
      const buckets = await this.#call("list_buckets", {});
      const isListed = buckets.data.some((/** @type {any} */ { name }) => name === bucket);
      return ledger.check(isListed || expected.length === 0, "the bucket is not listed");
    }
    const page = await this.#call("list_artifacts", { bucket }, actable);
    if (page === undefined) return;
    for (const artifact of page.data) ledger.recordVersion(artifact);
    const keys = page.data.map((/** @type {any} */ { key }) => key);
    for (const key of expected) ledger.check(keys.includes(key), `${key} is not listed`);
    ledger.check(String(keys) === String([...keys].sort()), `listed out of order: ${keys}`);
  }

  /** Lists the versions of a key. @param {string} key @returns {Promise<any[]>} */
  async listVersions(key) {
    const { ledger } = this.#shared;
    const before = ledger.highest(key);
    const listed = await this.#call("get_artifact", { bucket, key, versions: 1000 }, this.#absence(key));
    if (listed === undefined) return [];
    for (const artifact of listed.versions) ledger.recordVersion(artifact);
    if (isLasting(key)) ledger.checkVersions(key, listed.versions, before);
    return listed.versions;
  }

  async #delete() {
    const { ledger } = this.#shared;
    const key = this.#one(writtenKeys);
    if (!isLasting(key) && this.#chance(0.5)) {
      await this.#call("delete_artifact", { bucket, key }, ["artifact_not_found"]);
      return;
    }
    const versions = await this.listVersions(key);
    const victims = isLasting(key) ? versions.slice(1) : versions;
    if (victims.length === 0) return;
    const { version } = this.#one(victims);
    if (isLasting(key)) ledger.recordDeletion(key, version);
    const deleted = await this.#call("delete_artifact", { bucket, key, version }, ["artifact_not_found"]);
    if (deleted === undefined || !isLasting(key)) return;
    const still = await this.#call("get_artifact", { bucket, key, version }, ["artifact_not_found"]);
    ledger.check(still === undefined, `${key} version ${version} is there again after its deletion`);
  }

  /** Goes on with an upload that any client began, or begins one. */
  async #upload() {
    const filter = this.#chance(0.5) ? { bucket, key: this.#one(writtenKeys) } : { bucket };
    const { data } = await this.#call("list_upload_sessions", filter);
    const isUnfinished = (/** @type {any} */ { status }) => ["open", "conflict"].includes(status);
    const unfinished = data.filter(isUnfinished);
    const choice = this.#chance(0.1) ? data : unfinished;
    const isRoom = unfinished.length < mostOpenUploads;
    const id = choice.length === 0 || (isRoom && this.#chance(0.2)) ? await this.#create() : this.#one(choice).id;
    if (id === undefined) return;
    for (let steps = this.#between(1, 4); steps > 0; steps -= 1) {
      const session = await this.#session("get_upload_session", id, {}, ["version_conflict"]);
      if (session === undefined) return;
      await this.#step(session);
    }
  }

  /**
   * Makes a call on a session, and compares the answer with what is known of the session.
   *
   * @param {string} tool @param {string} session_id @param {Record<string, unknown>} args
   * @param {readonly string[]} [actable] more errors, besides those of a session that has ended
   * @returns {Promise<any>}
   */
  async #session(tool, session_id, args, actable = []) {
    const { ledger } = this.#shared;
    const before = ledger.before(session_id);
    const session = await this.#call(tool, { session_id, ...args }, [...sessionEnds, ...actable]);
    if (session !== undefined) ledger.checkSession(session, before);
    return session;
  }

  async #create() {
    const key = this.#one(writtenKeys);
    const size = this.#chance(0.5) ? { size: this.#between(leastBytes, this.#chance(0.1) ? 1_048_576 : 200_000) } : {};
    const guard = await this.#guard(key, 0.4);
    const actable = "if_version" in guard ? ["version_conflict"] : [];
    const made = await this.#call("create_upload_session", { bucket, key, ...size, ...guard }, actable);
    return made?.id;
  }

  /** @param {any} session */
  #step({ id, key, status, offset, size, artifact }) {
    const end = size ?? numberOf(id, leastBytes, numberOf(`${id} is large`, 1, 10) === 1 ? 1_048_576 : 200_000);
    if (status === "open" && offset < end) {
      return this.#pick([
        [80, () => this.#append(id, offset, Math.min(end, offset + this.#chunkBytes()))],
        [10, () => this.#replay(id, offset, end)],
        [4, () => this.#appendOutOfPlace(id, offset)],
        [3, () => this.#complete(id, key, offset)],
        [3, () => this.#session("abort_upload_session", id, {})],
      ]);
    }
    if (status === "complete") return this.#afterCompletion(id, offset, artifact);
    if (status === "conflict" && this.#chance(0.3)) return this.#session("abort_upload_session", id, {});
    if (status !== "aborted" && status !== "expired") return this.#complete(id, key, offset);
    return this.#refused("upload_chunk", id, { offset, data: "too late" });
  }

  #chunkBytes() {
    return this.#chance(0.1) ? this.#between(1, 400_000) : this.#between(1, 60_000);
  }

  /** @param {string} id @param {number} start @param {number} end */
  async #append(id, start, end) {
    const { ledger, totals } = this.#shared;
    const chunk = contentOf(id, start, end);
    const sha256 = this.#chance(0.3) ? { sha256: sha256Of(chunk) } : {};
    const args = { offset: start, ...this.#written("data", id, chunk), ...sha256 };
    const session = await this.#session("upload_chunk", id, args, ["version_conflict"]);
    if (session === undefined) return;
    totals.bytes += chunk.length;
    ledger.check(session.offset >= end, `session ${id} took ${start} to ${end} and is at ${session.offset}`);
  }

  /** Sends bytes that are stored already, and perhaps more. @param {string} id @param {number} offset @param {number} end */
  #replay(id, offset, end) {
    const start = this.#between(0, offset);
    return this.#append(id, start, Math.min(end, start + this.#chunkBytes()));
  }

  /** Sends other bytes than those stored, or leaves a gap. @param {string} id @param {number} offset */
  #appendOutOfPlace(id, offset) {
    const isGap = offset === 0 || this.#chance(0.5);
    // No client can close this gap meanwhile: no upload is so long.
    return this.#refused("upload_chunk", id, { offset: isGap ? 2_000_000 : 0, data: "\u0001 no content begins so" });
  }

  /** @param {string} tool @param {string} id @param {Record<string, unknown>} args */
  async #refused(tool, id, args) {
    const answer = await this.#session(tool, id, args, ["offset_conflict", "size_exceeded"]);
    this.#shared.ledger.check(answer === undefined, `${tool} ${id} was not refused: ${JSON.stringify(args)}`);
  }

  /** @param {string} id @param {string} key @param {number} offset */
  async #complete(id, key, offset) {
    if (offset < leastBytes) return;
    const sha256 = this.#chance(0.3) ? { sha256: sha256Of(contentOf(id, 0, offset)) } : {};
    const args = { ...sha256, ...(await this.#guard(key, 0.5)) };
    const actable = ["version_conflict", "incomplete", ...("sha256" in args ? ["checksum_mismatch"] : [])];
    await this.#session("complete_upload_session", id, args, actable);
  }

  /** Repeats a call on an upload that is complete. @param {string} id @param {number} bytes @param {any} artifact */
  #afterCompletion(id, bytes, artifact) {
    return this.#pick([
      [1, () => this.#append(id, 0, Math.min(bytes, this.#chunkBytes()))],
      [1, () => this.#session("complete_upload_session", id, { sha256: artifact.sha256 })],
      [1, () => this.#refused("abort_upload_session", id, {})],
    ]);
  }
}

/** @param {Map<string, number>} counts @param {string} name */
function add(counts, name) {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** For the trace: long strings are cut. @param {unknown} value */
function short(value) {
  return JSON.stringify(value, (_, part) =>
    typeof part === "string" && part.length > 100 ? `${part.slice(0, 40)}... (${part.length} characters)` : part,
  );
}
