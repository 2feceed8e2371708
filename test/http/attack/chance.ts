import { createCipheriv, createHash } from "node:crypto";
import { seededRandom } from "../../../scripts/harness.mjs";

/** Choices that are the same for the same seed. */
export interface Chance {
  /** A whole number from 0, less than `limit`. */
  below(limit: number): number;
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number;
  /** True so many times in a hundred. */
  percent(times: number): boolean;
  pick<Value>(values: readonly Value[]): Value;
}

export function chanceOf(seed: number): Chance {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    percent: (times) => below(100) < times,
    pick<Value>(values: readonly Value[]): Value {
      const value = values[below(values.length)];
      if (value === undefined) throw new Error("there is nothing to pick from");
      return value;
    },
  };
}

/** Bytes that look random, and are the same for the same label. */
export function bytesOf(label: string, length: number): Buffer {
  const key = createHash("sha256").update(label).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(length));
}
