import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { patienceMs } from "../../support/patience.js";
import type { Chance } from "./chance.js";

/** A request as it is sent on a connection. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** How a client sends a request. */
export type Manner =
  | { readonly kind: "plain" | "slow" | "chunked" | "expecting" }
  /** Sends only `after` bytes of the body, and then ends or resets the connection. */
  | { readonly kind: "cut"; readonly after: number; readonly isReset: boolean };

const maxPieces = 12;

export function headOf({ method, path, headers }: WireRequest, more: Readonly<Record<string, string>> = {}): Buffer {
  const lines = Object.entries({ host: "127.0.0.1", ...headers, ...more }).map(([name, value]) => `${name}: ${value}`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

const withLength = (request: WireRequest): Buffer =>
  Buffer.concat([headOf(request, { "content-length": String(request.body.length) }), request.body]);

/** Returns the bytes of several requests in one buffer. */
export function pipelineOf(requests: readonly WireRequest[]): Buffer {
  return Buffer.concat(requests.map(withLength));
}

/** A connection and the answers on it. */
export class Wire {
  readonly socket: Socket;
  #heard: Buffer[] = [];
  #bytes = 0;
  #isOver = false;
  #early: WireAnswer | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.socket.on("error", () => undefined); // the event `close` follows, and there is no answer
    this.socket.on("data", (bytes: Buffer) => {
      this.#heard.push(bytes);
      this.#bytes += bytes.length;
      this.socket.emit("heard");
    });
    const over = (): void => {
      this.#isOver = true;
      this.socket.emit("heard");
    };
    this.socket.once("end", over).once("close", over);
    this.socket.setMaxListeners(0);
  }

  async connected(): Promise<boolean> {
    if (this.socket.connecting)
      await Promise.race([once(this.socket, "connect"), this.#closed()]).catch(() => undefined);
    return !this.socket.destroyed;
  }

  async #closed(): Promise<void> {
    if (!this.socket.closed) await new Promise((resolve) => this.socket.once("close", resolve));
  }

  /** Sends bytes as fast as the socket accepts them. Returns false if the connection is closed. */
  async send(bytes: Uint8Array): Promise<boolean> {
    if (!(await this.connected())) return false;
    const isTaken = this.socket.write(bytes);
    if (!isTaken) await Promise.race([once(this.socket, "drain"), this.#closed()]).catch(() => undefined);
    return !this.socket.destroyed;
  }

  /** Sends bytes in pieces, with pauses in between. */
  async dribble(bytes: Uint8Array, chance: Chance): Promise<boolean> {
    const step = Math.max(1, Math.ceil(bytes.length / chance.between(2, maxPieces)));
    for (let at = 0; at < bytes.length; at += step) {
      if (!(await this.send(bytes.subarray(at, at + step)))) return false;
      await new Promise((resolve) => setTimeout(resolve, chance.below(8)));
    }
    return true;
  }

  /** Returns the next answer that is not interim; undefined if the connection ends before the answer is complete. */
  async answer(method: string): Promise<WireAnswer | undefined> {
    for (;;) {
      const answer = this.#early ?? (await this.#withPatience(this.#read(method)));
      this.#early = undefined;
      if (answer === undefined || answer.status >= 200 || answer.status === 101) return answer;
    }
  }

  /** Returns all that the server sends until it closes the connection. */
  async everything(): Promise<string> {
    await this.#withPatience(this.#toEnd());
    return this.#all().toString("latin1");
  }

  async #toEnd(): Promise<void> {
    while (await this.#more());
  }

  /** Returns whether the server asks for the body (100). Another answer is kept as the next answer. */
  async isAsked(method: string): Promise<boolean> {
    const first = await this.#withPatience(this.#read(method));
    if (first?.status === 100) return true;
    this.#early = first;
    return false;
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #withPatience<Result>(reading: Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
    });
    return Promise.race([reading, late]).finally(() => clearTimeout(timer));
  }

  async #read(method: string): Promise<WireAnswer | undefined> {
    const head = await this.#until("\r\n\r\n");
    if (head === undefined) return undefined;
    const [first = "", ...lines] = head.toString("latin1").split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    if (!(status >= 100)) throw new Error(`not an HTTP answer: ${first}`);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const [name = "", value = ""] = line.split(/:\s*(.*)/s);
      if (name !== "") headers[name.toLowerCase()] = value;
    }
    const isEmpty = method === "HEAD" || status < 200 || status === 204 || status === 304;
    const body = isEmpty ? Buffer.alloc(0) : await this.#body(headers);
    return body && { status, headers, body };
  }

  async #body(headers: Readonly<Record<string, string>>): Promise<Buffer | undefined> {
    if (/chunked/i.test(headers["transfer-encoding"] ?? "")) return this.#chunks();
    const length = headers["content-length"];
    if (length !== undefined) return this.#take(Number(length));
    await this.#toEnd();
    return this.#take(this.#bytes);
  }

  async #chunks(): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    for (;;) {
      const line = await this.#until("\r\n");
      if (line === undefined) return undefined;
      const length = Number.parseInt(line.toString("latin1"), 16);
      const chunk = await this.#take(length + 2);
      if (chunk === undefined) return undefined;
      if (length === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, length));
    }
  }

  async #more(): Promise<boolean> {
    const before = this.#bytes;
    while (this.#bytes === before && !this.#isOver) await new Promise((resolve) => this.socket.once("heard", resolve));
    return this.#bytes > before;
  }

  /** Returns the bytes before `mark`, and consumes `mark` too. */
  async #until(mark: string): Promise<Buffer | undefined> {
    for (;;) {
      const all = this.#all();
      const at = all.indexOf(mark);
      if (at >= 0) return (await this.#take(at + mark.length))?.subarray(0, at);
      if (!(await this.#more())) return undefined;
    }
  }

  async #take(count: number): Promise<Buffer | undefined> {
    while (this.#bytes < count) if (!(await this.#more())) return undefined;
    const all = this.#all();
    this.#heard = [all.subarray(count)];
    this.#bytes = all.length - count;
    return all.subarray(0, count);
  }

  #all(): Buffer {
    const all = this.#heard.length === 1 && this.#heard[0] ? this.#heard[0] : Buffer.concat(this.#heard);
    this.#heard = [all];
    return all;
  }
}

/** Sends one request on its own connection. Returns undefined if there was no complete answer. */
export async function exchange(
  port: number,
  request: WireRequest,
  manner: Manner,
  chance: Chance,
): Promise<WireAnswer | undefined> {
  const wire = new Wire(port);
  try {
    await sendIn(wire, request, manner, chance);
    if (manner.kind === "cut" && manner.isReset) return undefined;
    return await wire.answer(request.method);
  } finally {
    wire.destroy();
  }
}

async function sendIn(wire: Wire, request: WireRequest, manner: Manner, chance: Chance): Promise<void> {
  const { body, method } = request;
  const length = { "content-length": String(body.length) };
  switch (manner.kind) {
    case "plain":
      await wire.send(withLength(request));
      return;
    case "slow":
      await wire.dribble(withLength(request), chance);
      return;
    case "chunked":
      await wire.send(headOf(request, { "transfer-encoding": "chunked" }));
      await wire.dribble(chunked(body, chance), chance);
      return;
    case "expecting": {
      await wire.send(headOf(request, { ...length, expect: "100-continue" }));
      if (await wire.isAsked(method)) await wire.send(body);
      return;
    }
    case "cut": {
      const { after, isReset } = manner;
      await wire.send(Buffer.concat([headOf(request, length), body.subarray(0, after)]));
      if (isReset) {
        if (chance.percent(50)) await new Promise((resolve) => setTimeout(resolve, chance.below(20)));
        if (chance.percent(50)) wire.socket.resetAndDestroy();
        else wire.destroy();
      } else {
        wire.socket.end();
      }
    }
  }
}

function chunked(body: Buffer, chance: Chance): Buffer {
  const step = Math.max(1, Math.ceil(body.length / chance.between(1, maxPieces)));
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += step) {
    const chunk = body.subarray(at, at + step);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
  }
  return Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")]);
}
