// Contents that can be checked without a copy: all bytes follow from the label in the first line.
import { createCipheriv, createHash } from "node:crypto";

/** The least size of a content. Every label, with the end of its line, is shorter. */
export const leastBytes = 64;

/** @param {string | Uint8Array} content */
export const sha256Of = (content) => createHash("sha256").update(content).digest("hex");

/** Whether the content of a label is text. Half of them are. @param {string} label */
export const isText = (label) => Number.parseInt(sha256Of(label).slice(-1), 16) % 2 === 0;

/** A number from `least` to `most` that follows from the label. @param {string} label @param {number} least @param {number} most */
export const numberOf = (label, least, most) =>
  least + (Number.parseInt(sha256Of(`number of ${label}`).slice(0, 8), 16) % (most - least + 1));

/** Returns the bytes from `start` to `end` of the content of a label. The content has no end. @param {string} label @param {number} start @param {number} end */
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

/** Whether these are the first bytes of the content that their label names. @param {Uint8Array} bytes */
export function isContent(bytes) {
  return Buffer.compare(contentOf(labelOf(bytes), 0, bytes.length), bytes) === 0;
}
