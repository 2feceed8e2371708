import { randomBytes } from "node:crypto";
import { copyFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import KeyvSqlite from "@keyv/sqlite";
import { Keyv } from "keyv";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadSqliteDriver } from "../../../src/engines/sqlite/database/driver.js";
import { openKeyvMetadataStore } from "../../../src/engines/sqlite/keyv-metadata-store.js";
import { metadataStoreContract } from "../../contracts/metadata-store-contract.js";
import { temporaryDirectory } from "../../support/directories.js";
import { setArtifact } from "../../support/index-rows.js";
import { silentLog } from "../../support/silent-log.js";

async function openStore(path?: string) {
  const file = path ?? join(await temporaryDirectory(), "metadata.sqlite");
  const store = await openKeyvMetadataStore(file, silentLog);
  onTestFinished(() => store.close());
  return { file, store };
}

/** A plain Keyv connection to the same file, as another program would open it. */
async function openPlainly(file: string) {
  const adapter = new KeyvSqlite({ uri: `sqlite://${file}`, busyTimeout: 5_000 });
  onTestFinished(() => adapter.close());
  await adapter.query("SELECT 1");
  return adapter;
}

metadataStoreContract("Keyv over SQLite", async () => (await openStore()).store);

describe("the Keyv metadata store", () => {
  it("keeps rows in Keyv's envelope, so any Keyv can read them", async () => {
    const { file, store } = await openStore();
    await store.put("session:a", '{"offset":3}');
    await store.change([{ key: "session:b", old: undefined, next: '{"offset":4}' }]);
    const plain = new Keyv({ store: await openPlainly(file), useKeyPrefix: false });
    expect(await plain.get("session:a")).toEqual({ offset: 3 });
    expect(await plain.get("session:b")).toEqual({ offset: 4 });
  });

  it("has a write-ahead log", async () => {
    const { file } = await openStore();
    expect(await (await openPlainly(file)).query("PRAGMA journal_mode")).toEqual([{ journal_mode: "wal" }]);
  });

  it("returns a row without the envelope as a text that nobody can take for a record", async () => {
    const { file, store } = await openStore();
    const plain = await openPlainly(file);
    await plain.query(`INSERT INTO keyv (key, value) VALUES ('artifact:b:k', '{"bucket":"b"}')`);
    const text = `not Keyv's: {"bucket":"b"}`;
    expect(await store.get("artifact:b:k")).toBe(text);
    expect(await store.range("artifact:", { limit: 1 })).toEqual([{ key: "artifact:b:k", text }]);
  });

  it("rejects a failed read and a failed write, and does not report a missing row instead", async () => {
    const { file, store } = await openStore();
    await (await openPlainly(file)).query("DROP TABLE keyv");
    await expect(store.get("session:a")).rejects.toMatchObject({ code: "internal" });
    await expect(store.getMany(["session:a"])).rejects.toMatchObject({ code: "internal" });
    await expect(store.put("session:a", "1")).rejects.toMatchObject({ code: "internal" });
    await expect(store.change([{ key: "a", old: undefined, next: "1" }])).rejects.toMatchObject({ code: "internal" });
    await expect(store.range("session:", { limit: 1 })).rejects.toMatchObject({ code: "internal" });
    const search = store.search({ words: [], order: "newest", now: 0, limit: 1 });
    await expect(search).rejects.toMatchObject({ code: "internal" });
  });

  it("reads the index of no other file in its place", async () => {
    const { file, store } = await openStore();
    const { file: otherFile, store: other } = await openStore();
    await setArtifact(other, "b", "other");
    await other.close();
    await rename(file, `${file}-moved`);
    for (const isThere of [false, true]) {
      if (isThere) await copyFile(otherFile, file);
      const search = store.search({ words: [], order: "newest", now: 0, limit: 1 });
      await expect(search).rejects.toMatchObject({ code: "store_replaced" });
    }
  });

  it("rejects a database that has lost a table, and does not make the table again", async () => {
    for (const table of ["keyv", "pieces"]) {
      const { file, store } = await openStore();
      await store.change([{ key: "a", old: undefined, next: "1" }]);
      await (await openPlainly(file)).query(`DROP TABLE ${table}`);
      if (table === "pieces") {
        const change = store.change([], { put: [{ name: "a", bytes: new Uint8Array(1) }] });
        await expect(change).rejects.toMatchObject({ code: "internal" });
        await expect(store.pieces(["a"])).rejects.toMatchObject({ code: "internal" });
      }
      await store.close();
      // The test has the file open with Keyv's own adapter, which does not make a table again.
      await expect(openKeyvMetadataStore(file, silentLog)).rejects.toMatchObject({ code: "SQLITE_CORRUPT" });
    }
  });

  it("waits while another connection writes, and can still read", async () => {
    const { file, store } = await openStore();
    await store.put("session:a", "1");
    const other = await openPlainly(file);
    await other.query("BEGIN IMMEDIATE");
    const write = store.change([{ key: "session:a", old: "1", next: "2" }]);
    expect(await store.get("session:a")).toBe("1");
    expect(await Promise.race([write, delay(100, "waiting")])).toBe("waiting");
    await other.query("COMMIT");
    expect(await write).toBe(true);
  });

  it("reports a row as damaged if its stored bytes can never match its text, so that a retry does not loop", async () => {
    const { file, store } = await openStore();
    await store.put("session:a", "?");
    await store.put("artifact:b:k", "1");
    const other = await openPlainly(file);
    // One byte is not valid UTF-8.
    await other.query(`UPDATE keyv SET value = CAST(X'7b2276616c7565223aff7d' AS TEXT) WHERE key = 'session:a'`);
    const text = await store.get("session:a");
    await other.query("INSERT INTO keyv (key, value) VALUES ('none', NULL)");
    const whole = { key: "artifact:b:k", old: "1", next: "2" };
    for (const row of [
      { key: "session:a", old: text, next: "2" },
      { key: "session:a", old: text, next: undefined },
      { key: "session:a", old: text, next: text },
      { key: "none", old: await store.get("none"), next: "1" },
    ]) {
      const damaged = { code: "corrupt", next: "restore_backup", details: { row: row.key } };
      await expect(store.change([whole, row])).rejects.toMatchObject(damaged);
    }
    expect(await store.change([{ key: "session:a", old: "other", next: "2" }])).toBe(false);
    expect(await store.change([whole])).toBe(true);
  });

  it("sees the writes of another connection, and its change token changes with them", async () => {
    const { file, store } = await openStore();
    const { store: other } = await openStore(file);
    const before = await store.changeToken();
    await other.put("session:a", "1");
    expect(await store.get("session:a")).toBe("1");
    expect(await store.changeToken()).not.toBe(before);
  });

  it("many connections can open a new file at once", async () => {
    const file = join(await temporaryDirectory(), "metadata.sqlite");
    const stores = await Promise.all(Array.from({ length: 6 }, () => openStore(file)));
    await Promise.all(stores.map(({ store }, n) => store.put(`session:${n}`, "1")));
    expect(await stores[0]?.store.range("session:", { limit: 10 })).toHaveLength(6);
    expect(await stores[0]?.store.checkIntegrity()).toEqual([]);
  });

  it("close() leaves no WAL that SQLite would apply to another database in its place", async () => {
    const file = join(await temporaryDirectory(), "metadata.sqlite");
    for (const write of ["put", "change"] as const) {
      const store = await openKeyvMetadataStore(file, silentLog);
      if (write === "put") await store.put("session:a", "1");
      else await store.change([{ key: "session:b", old: undefined, next: "1" }]);
      await store.close();
      const log = await stat(`${file}-wal`).catch(() => undefined);
      expect(log?.size ?? 0).toBe(0);
    }
  });

  it("close() waits for running writes", async () => {
    const file = join(await temporaryDirectory(), "metadata.sqlite");
    const store = await openKeyvMetadataStore(file, silentLog);
    const writes = Array.from({ length: 100 }, (_, n) =>
      n % 2 === 0
        ? store.put(`session:${n}`, "1")
        : store.change([{ key: `session:${n}`, old: undefined, next: "1" }]).then(() => undefined),
    );
    await store.close();
    await Promise.all(writes);
    const { store: again } = await openStore(file);
    expect(await again.range("session:", { limit: 200 })).toHaveLength(100);
  });

  it("rejects a key or a text with NUL, and still makes the other changes", async () => {
    const { store } = await openStore();
    const change = (key: string, next: string) => store.change([{ key, old: undefined, next }]);
    const calls = [change("a", "1"), change("b", "x\0y"), change("c\0", "1"), change("d", "1")];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(await store.getMany(["a", "b", "c", "d"])).toEqual(["1", undefined, undefined, "1"]);
  });

  it("reclaim() makes the file shorter if enough of it is free", async () => {
    const { file, store } = await openStore();
    const names = Array.from({ length: 100 }, (_, n) => `piece ${n}`);
    for (const name of names) await store.change([], { put: [{ name, bytes: randomBytes(30_000) }] });
    await store.reclaim();
    const full = (await stat(file)).size;
    expect(full).toBeGreaterThan(3_000_000);
    await store.change([], { drop: names.slice(0, 10) }); // too few to reclaim
    await store.reclaim();
    expect((await stat(file)).size).toBe(full);
    await store.change([], { drop: names.slice(10, 90) });
    await store.reclaim();
    expect((await stat(file)).size).toBeLessThan(full / 4);
    expect(await store.checkIntegrity()).toEqual([]);
  });

  it("compact() makes the file as short as it can be, while another process reads", async () => {
    const { file, store } = await openStore();
    const { store: other } = await openStore(file);
    const names = Array.from({ length: 100 }, (_, n) => `piece ${n}`);
    for (const name of names) await store.change([], { put: [{ name, bytes: randomBytes(30_000) }] });
    await store.change([], { drop: names.slice(0, 90) });
    expect(await other.pieces(["piece 95"])).toEqual([expect.objectContaining({ length: 30_000 })]);
    const { freeDatabaseBytes, databaseBytes } = await other.size("");
    expect(freeDatabaseBytes).toBeGreaterThan(90 * 30_000);
    const { beforeBytes, afterBytes } = await store.compact();
    expect([beforeBytes, afterBytes]).toEqual([databaseBytes, (await stat(file)).size]);
    expect(afterBytes).toBeLessThanOrEqual(beforeBytes - freeDatabaseBytes);
    expect(await other.size("")).toMatchObject({ databaseBytes: afterBytes, freeDatabaseBytes: 0 });
    expect(await other.pieces(["piece 95"])).toEqual([expect.objectContaining({ length: 30_000 })]);
    expect(await other.checkIntegrity()).toEqual([]);
  });

  for (const hasWritten of [true, false]) {
    it(`does not write while another file is in its place, ${hasWritten ? "open" : "not yet open"} for writing, and writes when it is back`, async () => {
      const { file, store } = await openStore();
      const { file: otherFile, store: other } = await openStore();
      await other.put("a", "other");
      await other.close();
      if (hasWritten) await store.change([{ key: "a", old: undefined, next: "1" }]);
      await rename(file, `${file}-moved`);
      const replaced = { code: "store_replaced", next: "restart_server" };
      const change = (key: string) => store.change([{ key, old: undefined, next: "1" }]);
      for (const isThere of [false, true]) {
        if (isThere) await copyFile(otherFile, file);
        expect(await store.isInPlace()).toBe(false);
        await expect(change("b")).rejects.toMatchObject(replaced);
        await expect(store.put("c", "1")).rejects.toMatchObject(replaced);
      }
      await rename(file, `${file}-other`);
      await rename(`${file}-moved`, file);
      expect(await store.isInPlace()).toBe(true);
      expect(await store.getMany(["b", "c"])).toEqual([undefined, undefined]); // they were rejected before they ran
      expect(await change("d")).toBe(true);
      // Nobody has looked since the removal. The look of this change finds it.
      await rm(file);
      await delay(1_000);
      await expect(change("e")).rejects.toMatchObject(replaced);
      await writeFile(file, "");
      await expect(change("f")).rejects.toMatchObject(replaced);
      const { DatabaseSync } = await loadSqliteDriver();
      const there = new DatabaseSync(`${file}-other`);
      expect(there.prepare("SELECT key FROM keyv").all()).toEqual([{ key: "a" }]);
      there.close();
    });
  }
});
