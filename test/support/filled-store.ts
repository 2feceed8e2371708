import type { Engines } from "./faults.js";
import { randomNumbers } from "./random-numbers.js";
import { bytesOf, storeOn, tinyPieces } from "./stores.js";

const buckets = ["b", "c.d"];
const keys = ["k", "folder/é", "folder/😀", "z"];

/**
 * Makes a store with all that a store can have, by random calls that are the same for the same seed: versions, copies,
 * moves, metadata, expiry, deleted keys, uploads with and without bytes, in conflict, and complete.
 */
export async function fillStore(engines: Engines, seed: number, calls = 40): Promise<void> {
  const random = randomNumbers(seed);
  const oneOf = <Item>(items: readonly Item[]): Item => items[random(items.length)] as Item;
  const { artifacts, uploads, close } = storeOn(engines, { pieceLimits: tinyPieces, keepVersions: 3 });
  const uploadIds: string[] = [];
  const someBytes = () => bytesOf(oneOf(["", "a", "bcd", "efghij", "same", "é😀".repeat(random(20))]));
  const acts: (() => Promise<unknown>)[] = [
    () =>
      artifacts.save({
        ...{ bucket: oneOf(buckets), key: oneOf(keys), bytes: someBytes(), defaultMimeType: "text/plain" },
        ...{ metadata: { n: String(random(9)) }, saved_by: "test 1", expires_in: oneOf([undefined, 60, 9_999]) },
        idempotency_key: oneOf([undefined, `once-${random(1_000)}`]),
      }),
    () => artifacts.update({ bucket: oneOf(buckets), key: oneOf(keys), metadata: { said: "é" }, merge: true }),
    () => artifacts.delete(oneOf(buckets), oneOf(keys)),
    () => artifacts.copy({ bucket: oneOf(buckets), key: oneOf(keys), to_bucket: oneOf(buckets), to_key: oneOf(keys) }),
    () => artifacts.copy({ bucket: oneOf(buckets), key: oneOf(keys), to_key: `moved ${random(9)}`, move: true }),
    async () => {
      const if_version = oneOf([undefined, 0]);
      const { id } = await uploads.create({
        bucket: oneOf(buckets),
        key: oneOf(keys),
        size: oneOf([undefined, 6]),
        if_version,
      });
      uploadIds.push(id);
    },
    async () => {
      const id = oneOf(uploadIds);
      const { offset } = await uploads.get(id);
      await uploads.append(id, offset, someBytes());
    },
    () => uploads.complete(oneOf(uploadIds)),
    () => uploads.abort(oneOf(uploadIds)),
  ];
  const weights = [0, 0, 0, 0, 1, 2, 3, 4, 5, 5, 6, 6, 6, 7, 8];
  for (let call = 0; call < calls; call += 1) await acts[oneOf(weights)]?.().catch(() => undefined); // refusals are usual
  await engines.metadata.change([
    { key: "bucket\tb", old: undefined, next: JSON.stringify({ max_age: 60, revision: "x" }) },
  ]);
  await close();
}
