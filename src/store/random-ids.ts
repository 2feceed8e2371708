import { randomBytes } from "node:crypto";

const idBytes = 16;
/** Ids whose bytes are drawn at a time, because each call of the generator costs more than the bytes. */
const idsAtOnce = 128;

/** Returns a function that makes ids of 128 random bits, in lower-case hex. */
export function createIds(): () => string {
  let bytes = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at === bytes.length) {
      bytes = randomBytes(idBytes * idsAtOnce);
      at = 0;
    }
    at += idBytes;
    return bytes.toString("hex", at - idBytes, at);
  };
}
