import { expect, test } from "vitest";
import { KnownDescriptions } from "../../../src/store/insight/known-descriptions.js";
import type { Artifact } from "../../../src/store/model/artifact.js";
import type { Description } from "../../../src/store/ports/description.js";
import { artifactOf } from "../../support/artifact-of.js";

/** Facts that keep nothing, so that only the memory is asked. */
const nowhere = { get: async () => undefined, put: async () => undefined };
const versionOf = (number: number): Artifact => artifactOf({ sha256: String(number).padStart(64, "0") });
const descriptionOf = (chars: number): Description => ({ format: "x".repeat(chars) });

test("descriptions are kept in memory up to 16 MiB of JSON, and the least recently used one is dropped first", async () => {
  const known = new KnownDescriptions(nowhere);
  const large = descriptionOf(255 * 1024);
  for (let number = 1; number <= 64; number += 1) await known.put(versionOf(number), large);
  expect(await known.get(versionOf(1))).toEqual(large);
  for (let number = 65; number <= 70; number += 1) await known.put(versionOf(number), large);
  expect(await known.get(versionOf(1))).toEqual(large);
  const kept = await Promise.all(Array.from({ length: 70 }, (_, index) => known.get(versionOf(index + 1))));
  expect(kept.filter((description) => description !== undefined)).toHaveLength(64);
  expect(kept[1]).toBeUndefined();
});

test("a description that is put again counts once", async () => {
  const known = new KnownDescriptions(nowhere);
  await known.put(versionOf(1), descriptionOf(10));
  for (let time = 0; time < 100; time += 1) await known.put(versionOf(2), descriptionOf(255 * 1024));
  expect(await known.get(versionOf(1))).toEqual(descriptionOf(10));
});
