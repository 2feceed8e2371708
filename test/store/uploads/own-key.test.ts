import { expect, it } from "vitest";
import { bytesOf, createMemoryEngines, storeOn, textOf } from "../../support/stores.js";

it.each([0, 3])(
  "create() gives an upload of %i bytes a key of its own when several processes want the same key at once",
  async (size) => {
    const engines = createMemoryEngines();
    const stores = [storeOn(engines), storeOn(engines), storeOn(engines)];
    const wanted = { bucket: "b", key: "k.txt", size, isOwnKey: true };
    const sessions = await Promise.all(stores.map(({ uploads }) => uploads.create(wanted)));
    expect(new Set(sessions.map(({ key }) => key)).size).toBe(3);
    for (const [at, { id, key }] of sessions.entries()) {
      expect(["k.txt", `${id}/k.txt`]).toContain(key);
      if (size > 0) await stores[at]?.uploads.append(id, 0, bytesOf(`of${at}`));
    }
    const [store = storeOn(engines)] = stores;
    for (const [at, { id, key }] of sessions.entries()) {
      expect(await store.uploads.get(id)).toMatchObject({ key, status: "complete", artifact: { key, version: 1 } });
      expect(await textOf(store, "b", key)).toBe(size > 0 ? `of${at}` : "");
      expect((await store.uploads.list({ all: true, bucket: "b", key, limit: 5 })).data).toMatchObject([{ id }]);
    }
    expect((await store.uploads.list({ all: true, bucket: "b", limit: 5 })).data).toHaveLength(3);
  },
);
