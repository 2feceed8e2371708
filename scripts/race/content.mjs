// Contents that say of themselves what they are: every byte follows from the label in the first line.
import { createCipheriv, createHash } from "node:crypto";

/** Every label is shorter than this with its line's end, and no content is. */
export const leastBytes = 64;

/** @param {string | Uint8Array} content */
export const sha256Of = (content) => createHash("sha256").update(content).digest("hex");

/** One label in two stands for text. @param {string} label */
export const isText = (label) => Number.parseInt(sha256Of(label).slice(-1), 16) % 2 === 0;

/** A number from `least` to `most` that follows from the label. @param {string} label @param {number} least @param {number} most */
export const numberOf = (label, least, most) =>
  least + (Number.parseInt(sha256Of(`number of ${label}`).slice(0, 8), 16) % (most - least + 1));

/** The bytes from `start` to `end` of an endless content. @param {string} label @param {number} start @param {number} end */
export function contentOf(label, start, end) {
  const key = createHash("sha256").update(label).digest().subarray(0, 16);
  const noise = createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(end));
  const body = isText(label) ? Buffer.from(noise.toString("base64")) : noise;
  return Buffer.concat([Buffer.from(`${label}\n`), body]).subarray(start, end);
}

/** @param {Uint8Array} content */
export function labelOf(content) {
  const line = Buffer.from(content.subarray(0, leastBytes)).toString("latin1");
  return line.slice(0, Math.max(0, line.indexOf("\n")));
}

/** Whether they are the first bytes of a content. @param {Uint8Array} bytes */
export function isContent(bytes) {
  return Buffer.compare(contentOf(labelOf(bytes), 0, bytes.length), bytes) === 0;
}
