import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Log } from "../../store/ports/log.js";

/**
 * Requests that may wait on one connection. When this many wait, the connection takes no more and closes after them.
 */
const maxWaiting = 256;
/** Requests that may wait on all connections together. */
const maxWaitingInAll = 4_096;
/** The shortest time between two log lines about closed and refused connections. */
const logIntervalMs = 1_000;

export interface ConnectionsOptions {
  readonly maxConnections: number;
  readonly log: Log;
  /** A monotonic clock, in ms. */
  readonly nowMs?: () => number;
}

/** A request that waits for its turn, or is being answered. */
interface Turn {
  readonly response: ServerResponse;
  readonly answer: () => Promise<void>;
}

interface Connection {
  readonly socket: Socket;
  /** Requests after the one that is being answered. */
  waiting: Turn[];
  answering: ServerResponse | undefined;
  /** Resolves after all received requests have been answered. Undefined while there is no request. */
  serving: Promise<void> | undefined;
  /** The connection takes no more requests, and closes after the last one that waits. */
  isEnding: boolean;
  /** Called after the socket has closed. */
  onClose: () => void;
}

/**
 * The connections of a server. It answers the requests of one connection one at a time, in the order of their arrival,
 * and reads no more from the connection while requests wait. If there are `maxConnections`, a new connection replaces
 * the one that has been without a request for the longest time.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #nowMs: () => number;
  readonly #connections = new Map<Socket, Connection>();
  /** Connections without a request; the one that has been idle for the longest time is first. */
  readonly #idle = new Set<Connection>();
  #waiting = 0;
  #isFinishing = false;
  #closedCount = 0;
  #refusedCount = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Must be called for every new connection. */
  add(socket: Socket): void {
    if (this.#connections.size >= this.#options.maxConnections && !this.#makeRoom()) {
      this.#refusedCount += 1;
      this.#logRefusals();
      socket.destroy();
      return;
    }
    const connection: Connection = {
      socket,
      waiting: [],
      answering: undefined,
      serving: undefined,
      isEnding: false,
      onClose: () => undefined,
    };
    this.#connections.set(socket, connection);
    this.#idle.add(connection);
    socket.once("close", () => {
      this.#connections.delete(socket);
      this.#idle.delete(connection);
      this.#drop(connection);
      connection.onClose();
    });
  }

  /**
   * Calls `answer` after all earlier requests of the connection have been answered; never if the connection closes
   * first.
   */
  answerInTurn({ socket }: IncomingMessage, response: ServerResponse, answer: () => Promise<void>): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || connection.isEnding) return;
    connection.waiting.push({ response, answer });
    this.#waiting += 1;
    const isFull = connection.waiting.length >= maxWaiting || this.#waiting >= maxWaitingInAll;
    connection.isEnding = this.#isFinishing || isFull;
    if (connection.serving === undefined) connection.serving = this.#serve(connection);
    else socket.pause();
  }

  /** From now on, `ms` without traffic on a connection is a timeout. */
  setTimeouts(ms: number): void {
    for (const { socket } of this.#connections.values()) socket.setTimeout(ms);
  }

  /**
   * Resolves after the requests that are being answered have been finished. Drops the requests that wait. A connection
   * without a request may still send one: it is answered, and then the connection closes.
   */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    for (const connection of this.#connections.values()) {
      if (connection.serving === undefined) continue;
      this.#drop(connection);
      connection.isEnding = true;
      if (connection.answering?.headersSent === false) connection.answering.shouldKeepAlive = false;
    }
    for (let serving = this.#serving(); serving.length > 0; serving = this.#serving()) await Promise.all(serving);
  }

  #serving(): Promise<void>[] {
    return [...this.#connections.values()].flatMap(({ serving }) => serving ?? []);
  }

  async #serve(connection: Connection): Promise<void> {
    const { socket } = connection;
    this.#idle.delete(connection);
    for (let turn = this.#next(connection); turn !== undefined; turn = this.#next(connection)) {
      if (connection.waiting.length === 0) {
        if (connection.isEnding) turn.response.shouldKeepAlive = false;
        else if (socket.isPaused()) socket.resume();
      }
      connection.answering = turn.response;
      await Promise.all([closed(connection, turn.response), turn.answer()]);
    }
    connection.answering = undefined;
    connection.serving = undefined;
    if (connection.isEnding) socket.destroySoon();
    else if (!socket.destroyed) this.#idle.add(connection);
  }

  #next({ waiting }: Connection): Turn | undefined {
    const turn = waiting.shift();
    if (turn !== undefined) this.#waiting -= 1;
    return turn;
  }

  /** Drops the requests that wait. */
  #drop(connection: Connection): void {
    this.#waiting -= connection.waiting.length;
    connection.waiting = [];
  }

  /** Closes the connection that has been idle for the longest time. Returns false if no connection is idle. */
  #makeRoom(): boolean {
    const [longest] = this.#idle;
    if (longest === undefined) return false;
    this.#idle.delete(longest);
    this.#connections.delete(longest.socket); // counted as gone now: the event `close` comes later
    longest.socket.destroy();
    this.#closedCount += 1;
    this.#logRefusals();
    return true;
  }

  #logRefusals(): void {
    const now = this.#nowMs();
    if (now - this.#loggedAtMs < logIntervalMs) return;
    this.#loggedAtMs = now;
    const { log, maxConnections } = this.#options;
    log("warn", "connections_full", {
      max_connections: maxConnections,
      closed: this.#closedCount,
      refused: this.#refusedCount,
    });
    this.#closedCount = 0;
    this.#refusedCount = 0;
  }
}

/** Resolves after a response has been sent, or its connection has closed. */
function closed(connection: Connection, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    connection.onClose = resolve; // a response that does not own the socket yet emits no `close`
    response.once("close", resolve);
    if (response.closed || connection.socket.destroyed) resolve();
  });
}
