import { createCipheriv, createHash } from "node:crypto";
import { seededRandom } from "../../../scripts/harness.mjs";

/** Random choices. Equal seeds give equal choices. */
export interface Chance {
  /** Returns a whole number from 0, less than `limit`. */
  below(limit: number): number;
  /** Returns a whole number from `least` to `most`. */
  between(least: number, most: number): number;
  /** Returns true `times` times in a hundred, on average. */
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

/** Returns bytes that look random. Equal labels give equal bytes. */
export function bytesOf(label: string, length: number): Buffer {
  const key = createHash("sha256").update(label).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(length));
}
