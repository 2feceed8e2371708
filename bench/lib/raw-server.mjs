// Starts a server on stdio, with a client that does as little work as possible: it sends prepared bytes and counts answers.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { main } from "./programs.mjs";

const newline = 0x0a;
/** Answers up to this length are searched for an error. */
const checkedBytes = 64 * 1024;

/** @param {string} method @param {object} [params] @param {number} [id] without one, the message is a notification */
export function message(method, params, id) {
  return Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
}

export class RawServer {
  #child;
  /** @type {Buffer[]} */
  #line = [];
  #nextId = 1_000_000;
  /** The longest time for an answer in the last `sendAll` with one message in flight. */
  longestMs = 0;
  /** @type {(line: Buffer) => void} */
  #onLine = () => undefined;
  /** @type {(error: Error) => void} */
  #onFailure = () => undefined;

  /** @param {readonly string[]} command */
  constructor([program = "", ...args]) {
    // Other servers print greetings on stderr. Ours prints errors there.
    const stderr = args.includes(main) ? "inherit" : "ignore";
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", stderr] });
    this.#child.stdout.on("data", (bytes) => this.#readLines(bytes));
    this.#child.on("exit", (code, signal) => this.#onFailure(new Error(`${args[0]} ended: ${code ?? signal}`)));
  }

  /** @param {Buffer} bytes */
  #readLines(bytes) {
    let start = 0;
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
      this.#line.push(bytes.subarray(start, end));
      const parts = this.#line;
      this.#line = [];
      start = end + 1;
      const bytesOfLine = parts.reduce((sum, part) => sum + part.length, 0);
      const line = parts.length === 1 ? /** @type {Buffer} */ (parts[0]) : Buffer.concat(parts);
      const isError = bytesOfLine <= checkedBytes && /"isError":true|^\{[^{]*"error":/.test(line.toString("latin1"));
      if (isError) this.#onFailure(new Error(`${this.#child.spawnargs[1]} answered ${line.toString("utf8", 0, 500)}`));
      else if (line.subarray(0, 100).includes('"method":'))
        continue; // a notification
      else this.#onLine(line);
    }
    if (start < bytes.length) this.#line.push(bytes.subarray(start));
  }

  /**
   * Sends all messages, with at most `inFlight` unanswered at a time. Resolves with the last answer after all are answered.
   *
   * @param {readonly Buffer[]} messages @param {number} [inFlight] @returns {Promise<Buffer>}
   */
  sendAll(messages, inFlight = 1) {
    return new Promise((resolve, reject) => {
      let sent = 0;
      let answered = 0;
      let sentAtMs = 0;
      this.longestMs = 0;
      const send = () => {
        sentAtMs = performance.now();
        this.#child.stdin.write(/** @type {Buffer} */ (messages[sent++]));
      };
      this.#onFailure = reject;
      this.#onLine = (line) => {
        answered += 1;
        this.longestMs = Math.max(this.longestMs, performance.now() - sentAtMs);
        if (answered === messages.length) resolve(line);
        else if (sent < messages.length) send();
      };
      while (sent < Math.min(inFlight, messages.length)) send();
    });
  }

  /** @param {string} method @param {object} [params] @returns {Promise<any>} the result */
  async request(method, params = {}) {
    const answer = JSON.parse((await this.sendAll([message(method, params, this.#nextId++)])).toString());
    if (answer.error) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  }

  /** Calls a tool, and returns its structured content. @param {string} name @param {object} args @returns {Promise<any>} */
  async call(name, args) {
    return (await this.request("tools/call", { name, arguments: args })).structuredContent;
  }

  get pid() {
    return this.#child.pid ?? Number.NaN;
  }

  /** Stops reading answers, until `resumeReading`. */
  pauseReading() {
    this.#child.stdout.pause();
  }

  resumeReading() {
    this.#child.stdout.resume();
  }

  /** Initializes the server, as a host does. */
  async initialize() {
    const clientInfo = { name: "bench", version: "0" };
    const result = await this.request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
    this.#child.stdin.write(message("notifications/initialized"));
    return result;
  }

  async close() {
    this.#onFailure = () => undefined;
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.stdin.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await exited;
    clearTimeout(timer);
  }
}
