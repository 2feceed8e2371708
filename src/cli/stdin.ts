import { fstatSync } from "node:fs";
import { Socket, type SocketConstructorOpts } from "node:net";
import type { Readable } from "node:stream";

/** One read takes up to this much: more than a host's pipe or socket holds. */
const readBytes = 256 * 1024;

/**
 * The standard input. Where it is a pipe or a socket, all reads share one buffer, so the bytes of a `data` event are
 * good until its listeners return: a buffer for each read costs page faults, and a lot of garbage.
 *
 * @param otherwise the standard input for everything that is neither
 */
export function openStdin(otherwise: () => Readable): Readable {
  const fd = 0;
  const kind = fstatSync(fd);
  if (!kind.isFIFO() && !kind.isSocket()) return otherwise();
  const onread = {
    buffer: Buffer.allocUnsafeSlow(readBytes),
    callback(bytes: number, buffer: Uint8Array): boolean {
      socket.emit("data", buffer.subarray(0, bytes));
      return !socket.isPaused();
    },
  };
  // It begins to read with its first listener for `data`, as Node's own does.
  const options = { fd, readable: true, writable: false, manualStart: true, onread };
  const socket = new Socket(options as SocketConstructorOpts);
  return socket;
}
