import type { Store } from "../../src/store/store.js";
import type { Engines } from "./faults.js";
import { randomNumbers } from "./random-numbers.js";
import { bytesOf, storeOn, tinyPieces } from "./stores.js";

const buckets = ["b", "c.d"];
const keys = ["k", "folder/é", "folder/😀", "z"];

/**
 * Random calls that are the same for the same seed: saves, copies, moves, updates, deletions, and uploads that go on, end
 * and are given up. Each call of the result makes one. Refusals are usual.
 *
 * @param uploadIds of the uploads that it works on; it adds those that it creates
 */
export function randomCalls({ artifacts, uploads }: Store, seed: number, uploadIds: string[]): () => Promise<void> {
  const random = randomNumbers(seed);
  const oneOf = <Item>(items: readonly Item[]): Item => items[random(items.length)] as Item;
  const someBytes = () => bytesOf(oneOf(["", "a", "bcd", "efghij", "same", "é😀".repeat(random(20))]));
  const place = () => ({ bucket: oneOf(buckets), key: oneOf(keys) });
  const acts: Record<string, () => Promise<unknown>> = {
    save: () =>
      artifacts.save({
        ...{ ...place(), bytes: someBytes(), defaultMimeType: "text/plain", metadata: { n: String(random(9)) } },
        ...{ saved_by: "test 1", expires_in: oneOf([undefined, 60, 9_999]) },
        idempotency_key: oneOf([undefined, `once-${random(1_000)}`]),
      }),
    update: () => artifacts.update({ ...place(), metadata: { said: "é" }, merge: true }),
    delete: () => artifacts.delete(oneOf(buckets), oneOf(keys)),
    copy: () => artifacts.copy({ ...place(), to_bucket: oneOf(buckets), to_key: oneOf(keys) }),
    move: () => artifacts.copy({ ...place(), to_key: `moved ${random(9)}`, move: true }),
    async create() {
      const limits = { size: oneOf([undefined, 6]), if_version: oneOf([undefined, 0]) };
      uploadIds.push((await uploads.create({ ...place(), ...limits })).id);
    },
    async append() {
      const id = oneOf(uploadIds);
      const { offset } = await uploads.get(id);
      await uploads.append(id, offset, someBytes());
    },
    complete: () => uploads.complete(oneOf(uploadIds)),
    abort: () => uploads.abort(oneOf(uploadIds)),
  };
  const often = ["save", "save", "save", "save", "create", "create", "append", "append", "append"];
  const names = [...Object.keys(acts), ...often];
  return async () => void (await acts[oneOf(names)]?.().catch(() => undefined));
}

/**
 * Makes a store with all that a store can have, by random calls: versions, metadata, expiry, deleted keys, uploads with
 * and without bytes, in conflict, and complete; and limits of a bucket.
 *
 * @returns the ids of its uploads
 */
export async function fillStore(engines: Engines, seed: number, calls = 40): Promise<string[]> {
  const store = storeOn(engines, { pieceLimits: tinyPieces, keepVersions: 3 });
  const uploadIds: string[] = [];
  const call = randomCalls(store, seed, uploadIds);
  for (let made = 0; made < calls; made += 1) await call();
  const limits = JSON.stringify({ max_age: 60, revision: "x" });
  await engines.metadata.change([{ key: "bucket\tb", old: undefined, next: limits }]);
  await store.close();
  return uploadIds;
}
