import { fstatSync } from "node:fs";
import { Socket, type SocketConstructorOpts } from "node:net";
import type { Readable } from "node:stream";

/** The most that one read takes. It is more than the pipe or socket of a host holds. */
const readBytes = 256 * 1024;

/**
 * Opens the standard input. If it is a pipe or a socket, all reads share one buffer: the bytes of a `data` event are
 * valid only until its listeners return. A new buffer for each read would cost page faults and garbage.
 *
 * @param otherwise returns the standard input if it is neither a pipe nor a socket
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
  // As Node's own stdin, it begins to read when it gets its first listener for `data`.
  const options = { fd, readable: true, writable: false, manualStart: true, onread };
  const socket = new Socket(options as SocketConstructorOpts);
  return socket;
}
