import type { Readable } from "node:stream";
import type { ByteSource } from "../../../store/ports/byte-source.js";

/** The bytes of a stream as they come. After the signal has aborted, `next` throws its reason. */
export function sourceOf(stream: Readable, signal: AbortSignal): ByteSource {
  const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  const { promise: stopped, resolve: stop } = promiseWithResolvers<undefined>();
  const aborted = new Promise<never>((_, reject) => {
    const fail = (): void => reject(signal.reason);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
  aborted.catch(() => undefined); // `next` throws it
  const read = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await chunks.next();
    return done ? undefined : value;
  };
  return { next: () => Promise.race([read(), stopped, aborted]), stop: () => stop(undefined) };
}

function promiseWithResolvers<Value>() {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
