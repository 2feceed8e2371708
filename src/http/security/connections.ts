import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Log } from "../../store/ports/log.js";

/** Requests that may wait on one connection for those before them. Where one too many comes, it is the last one. */
const maxWaiting = 256;
/** The same of all connections together. */
const maxWaitingInAll = 4_096;
/** Closed and refused connections are logged no more often. */
const logIntervalMs = 1_000;

export interface ConnectionsOptions {
  readonly maxConnections: number;
  readonly log: Log;
  /** Monotonic, in ms. */
  readonly nowMs?: () => number;
}

/** A request whose turn may not have come yet. */
interface Turn {
  readonly response: ServerResponse;
  readonly answer: () => Promise<void>;
}

interface Connection {
  readonly socket: Socket;
  /** Requests behind the one that is being answered. */
  waiting: Turn[];
  answering: ServerResponse | undefined;
  /** All answers that are under way; undefined while nothing is asked. */
  serving: Promise<void> | undefined;
  /** Nothing more is taken: it is closed behind the last request that waits. */
  isEnding: boolean;
  /** Called once the socket has closed. */
  onClose: () => void;
}

/**
 * The connections of a server. Requests on one connection are answered one at a time, in the order in which they came,
 * and while some wait no more are read. When there are as many connections as there may be, a new one takes the place
 * of the one that has asked for nothing for the longest time.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #nowMs: () => number;
  readonly #connections = new Map<Socket, Connection>();
  /** Those without a request, the longest silent first. */
  readonly #silent = new Set<Connection>();
  #waiting = 0;
  #isFinishing = false;
  #closed = 0;
  #refused = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** To be told of every connection. */
  add(socket: Socket): void {
    if (this.#connections.size >= this.#options.maxConnections && !this.#makeRoom()) {
      this.#refused += 1;
      this.#logRefusals();
      socket.destroy();
      return;
    }
    const onClose = (): void => undefined;
    const connection: Connection = {
      ...{ socket, waiting: [], answering: undefined, serving: undefined, isEnding: false, onClose },
    };
    this.#connections.set(socket, connection);
    this.#silent.add(connection);
    socket.once("close", () => {
      this.#connections.delete(socket);
      this.#silent.delete(connection);
      this.#drop(connection);
      connection.onClose();
    });
  }

  /** Answers a request once all before it on its connection are answered; never if the connection closes first. */
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

  /** Nothing may pass on a connection for only so long from here on, in ms. */
  hurry(ms: number): void {
    for (const { socket } of this.#connections.values()) socket.setTimeout(ms);
  }

  /**
   * Lets the requests finish that are being answered; those that wait behind them are dropped. A connection on which
   * nothing was asked yet is answered once.
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
    this.#silent.delete(connection);
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
    else if (!socket.destroyed) this.#silent.add(connection);
  }

  #next({ waiting }: Connection): Turn | undefined {
    const turn = waiting.shift();
    if (turn !== undefined) this.#waiting -= 1;
    return turn;
  }

  /** Forgets the requests that wait. */
  #drop(connection: Connection): void {
    this.#waiting -= connection.waiting.length;
    connection.waiting = [];
  }

  /** Closes the connection that has been silent for the longest time. Answers whether there was one. */
  #makeRoom(): boolean {
    const [longest] = this.#silent;
    if (longest === undefined) return false;
    this.#silent.delete(longest);
    this.#connections.delete(longest.socket); // now, and not with `close`, which comes later
    longest.socket.destroy();
    this.#closed += 1;
    this.#logRefusals();
    return true;
  }

  #logRefusals(): void {
    const now = this.#nowMs();
    if (now - this.#loggedAtMs < logIntervalMs) return;
    this.#loggedAtMs = now;
    const { log, maxConnections } = this.#options;
    log("warn", "connections_full", { max_connections: maxConnections, closed: this.#closed, refused: this.#refused });
    this.#closed = 0;
    this.#refused = 0;
  }
}

/** Resolves once a response has gone out, or its connection is gone. */
function closed(connection: Connection, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    connection.onClose = resolve; // a response that was not its connection's yet does not hear of the end
    response.once("close", resolve);
    if (response.closed || connection.socket.destroyed) resolve();
  });
}
