import type { ByteSource } from "../../src/store/ports/byte-source.js";

/** A source that gives these blocks and then ends. */
export function sourceOf(...blocks: readonly Uint8Array[]): ByteSource {
  const left = [...blocks];
  return { next: async () => left.shift(), stop: () => void left.splice(0) };
}

/** A source that gives these texts, and calls `ask` between them, as if another process acted meanwhile. */
export function interleavedSource(ask: () => Promise<unknown>, ...texts: readonly string[]): ByteSource {
  const left = [...texts];
  return {
    async next() {
      const text = left.shift();
      if (text !== texts[0]) await ask();
      return text === undefined ? undefined : Buffer.from(text);
    },
    stop: () => void left.splice(0),
  };
}

/** A source that a test sends bytes to. */
export interface Pipe extends ByteSource {
  /** Resolves when the bytes are taken and the next are asked for, or when the source has ended. */
  send(bytes: Uint8Array): Promise<void>;
  end(): void;
  break(error: Error): void;
  readonly isStopped: () => boolean;
}

export function createPipe(): Pipe {
  type Answer = (result: Promise<Uint8Array | undefined>) => void;
  let waiting: Answer | undefined;
  let ending: Promise<Uint8Array | undefined> | undefined;
  let isStopped = false;
  const asked: (() => void)[] = [];
  const untilAsked = (): Promise<void> => {
    if (waiting !== undefined || ending !== undefined) return Promise.resolve();
    return new Promise((resolve) => asked.push(resolve));
  };
  const wakeAsked = (): void => asked.splice(0).forEach((resolve) => void resolve());
  function finish(result: Promise<Uint8Array | undefined>): void {
    result.catch(() => undefined); // the next call of `next` gets this error
    ending = result;
    waiting?.(result);
    waiting = undefined;
    wakeAsked();
  }
  return {
    next() {
      if (ending !== undefined) return ending;
      return new Promise((resolve) => {
        waiting = resolve;
        wakeAsked();
      });
    },
    stop() {
      isStopped = true;
      finish(Promise.resolve(undefined));
    },
    async send(bytes) {
      await untilAsked();
      const take = waiting;
      waiting = undefined;
      take?.(Promise.resolve(bytes));
      await untilAsked();
    },
    end: () => finish(Promise.resolve(undefined)),
    break: (error) => finish(Promise.reject(error)),
    isStopped: () => isStopped,
  };
}
