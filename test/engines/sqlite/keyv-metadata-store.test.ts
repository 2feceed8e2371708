import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import KeyvSqlite from "@keyv/sqlite";
import { Keyv } from "keyv";
import { describe, expect, it, onTestFinished } from "vitest";
import { openKeyvMetadataStore } from "../../../src/engines/sqlite/keyv-metadata-store.js";
import { metadataStoreContract } from "../../contracts/metadata-store-contract.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

async function openStore(path?: string) {
  const file = path ?? join(await temporaryDirectory(), "metadata.sqlite");
  const store = await openKeyvMetadataStore(file, silentLog);
  onTestFinished(() => store.close());
  return { file, store };
}

/** A plain connection to the same file, as another program would open it. */
async function openPlainly(file: string) {
  const adapter = new KeyvSqlite({ uri: `sqlite://${file}`, busyTimeout: 5_000 });
  onTestFinished(() => adapter.close());
  await adapter.query("SELECT 1");
  return adapter;
}

metadataStoreContract("Keyv over SQLite", async () => (await openStore()).store);

describe("the Keyv metadata store", () => {
  it("keeps rows in Keyv's envelope, readable by any Keyv", async () => {
    const { file, store } = await openStore();
    await store.put("session:a", '{"offset":3}');
    await store.replace("session:b", undefined, '{"offset":4}');
    const plain = new Keyv({ store: await openPlainly(file), useKeyPrefix: false });
    expect(await plain.get("session:a")).toEqual({ offset: 3 });
    expect(await plain.get("session:b")).toEqual({ offset: 4 });
  });

  it("writes ahead and syncs every commit", async () => {
    const { file } = await openStore();
    expect(await (await openPlainly(file)).query("PRAGMA journal_mode")).toEqual([{ journal_mode: "wal" }]);
  });

  it("hands on a row without the envelope so that nobody can take it for a record", async () => {
    const { file, store } = await openStore();
    const plain = await openPlainly(file);
    await plain.query(`INSERT INTO keyv (key, value) VALUES ('artifact:b:k', '{"bucket":"b"}')`);
    const text = `not Keyv's: {"bucket":"b"}`;
    expect(await store.get("artifact:b:k")).toBe(text);
    expect(await store.range("artifact:", { limit: 1 })).toEqual([{ key: "artifact:b:k", text }]);
  });

  it("rejects a failed read and a failed write instead of answering a miss", async () => {
    const { file, store } = await openStore();
    await (await openPlainly(file)).query("DROP TABLE keyv");
    await expect(store.get("session:a")).rejects.toMatchObject({ code: "internal" });
    await expect(store.getMany(["session:a"])).rejects.toMatchObject({ code: "internal" });
    await expect(store.put("session:a", "1")).rejects.toMatchObject({ code: "internal" });
    await expect(store.replace("session:a", undefined, "1")).rejects.toMatchObject({ code: "internal" });
    await expect(store.range("session:", { limit: 1 })).rejects.toMatchObject({ code: "internal" });
  });

  it("waits for another connection's write, and reads on meanwhile", async () => {
    const { file, store } = await openStore();
    await store.put("session:a", "1");
    const other = await openPlainly(file);
    await other.query("BEGIN IMMEDIATE");
    const write = store.replace("session:a", "1", "2");
    expect(await store.get("session:a")).toBe("1");
    expect(await Promise.race([write, delay(100, "waiting")])).toBe("waiting");
    await other.query("COMMIT");
    expect(await write).toBe(true);
  });

  it("says that a row is damaged whose bytes cannot be compared with what is read, in place of losing for ever", async () => {
    const { file, store } = await openStore();
    await store.put("session:a", "?");
    await store.put("artifact:b:k", "1");
    const other = await openPlainly(file);
    // A byte that is no UTF-8.
    await other.query(`UPDATE keyv SET value = CAST(X'7b2276616c7565223aff7d' AS TEXT) WHERE key = 'session:a'`);
    const text = await store.get("session:a");
    const damaged = { code: "corrupt", details: { row: "session:a" } };
    await expect(store.replace("session:a", text, "2")).rejects.toMatchObject(damaged);
    await expect(store.replace("session:a", text, undefined)).rejects.toMatchObject(damaged);
    const guard = { key: "artifact:b:k", text: "1" };
    await expect(store.replace("session:a", text, "2", guard)).rejects.toMatchObject(damaged);
    expect(await store.replace("session:a", "other", "2")).toBe(false);
    expect(await store.replace("artifact:b:k", "1", "2", { key: "session:a", text: "0" })).toBe(false);
  });

  it("sees what another connection has written, and its change token tells", async () => {
    const { file, store } = await openStore();
    const { store: other } = await openStore(file);
    const before = await store.changeToken();
    await other.put("session:a", "1");
    expect(await store.get("session:a")).toBe("1");
    expect(await store.changeToken()).not.toBe(before);
  });

  it("opens a new file from many connections at once", async () => {
    const file = join(await temporaryDirectory(), "metadata.sqlite");
    const stores = await Promise.all(Array.from({ length: 6 }, () => openStore(file)));
    await Promise.all(stores.map(({ store }, n) => store.put(`session:${n}`, "1")));
    expect(await stores[0]?.store.range("session:", { limit: 10 })).toHaveLength(6);
    expect(await stores[0]?.store.checkIntegrity()).toEqual([]);
  });

  it("close() leaves no log that another database in its place would take for its own", async () => {
    const file = join(await temporaryDirectory(), "metadata.sqlite");
    for (const write of ["put", "replace"] as const) {
      const store = await openKeyvMetadataStore(file, silentLog);
      if (write === "put") await store.put("session:a", "1");
      else await store.replace("session:b", undefined, "1");
      await store.close();
      const log = await stat(`${file}-wal`).catch(() => undefined);
      expect(log?.size ?? 0).toBe(0);
    }
  });

  it("close() lets the writes that are under way end", async () => {
    const file = join(await temporaryDirectory(), "metadata.sqlite");
    const store = await openKeyvMetadataStore(file, silentLog);
    const writes = Array.from({ length: 50 }, (_, n) => store.put(`session:${n}`, "1"));
    await store.close();
    await Promise.all(writes);
    const { store: again } = await openStore(file);
    expect(await again.range("session:", { limit: 100 })).toHaveLength(50);
  });
});
