import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { mortal } from "../../support/faults.js";
import { expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

const now = Math.floor(Date.now() / 1000);
const kinds = pieceKinds.filter(({ pieceLimits }) => pieceLimits.maxRowPieceBytes === 0 || pieceLimits.maxPieces > 2);

describe.each(kinds)("with bytes $where", ({ pieceLimits }) => {
  let engines: MemoryEngines;
  let store: Store;

  const on = (over: Pick<StoreOptions, "metadata" | "content">, seconds = now): Store =>
    storeOn(over, { now: () => seconds * 1000, monotonicMs: () => seconds * 1000, pieceLimits, keepVersions: 2 });

  beforeEach(() => {
    engines = createMemoryEngines({ now: () => now * 1000 });
    store = on(engines);
  });

  const isDone = <Value>(work: Promise<Value>): Promise<void> =>
    work.then(
      () => undefined,
      () => undefined,
    );

  interface Named {
    readonly version: number;
    readonly session: string;
    readonly pieces: readonly { readonly name: string; readonly in_row?: true }[];
  }

  /** The pieces of a version or session. A test reads and changes them in rows or in the content store. */
  function piecesOf(session: string, pieces: Named["pieces"]) {
    return pieces.map(({ name, in_row }) => {
      const path = `${session}/${name}`;
      const file = engines.content.files.get(path);
      return {
        path,
        bytes: (in_row ? engines.metadata.pieceMap.get(path) : file?.bytes) ?? new Uint8Array(),
        set(bytes: Buffer): void {
          if (in_row) engines.metadata.pieceMap.set(path, bytes);
          else if (file !== undefined) file.bytes = bytes;
        },
        remove: () => (in_row ? engines.metadata.pieceMap : engines.content.files).delete(path),
      };
    });
  }

  function pieceOf(key: string, version = 1) {
    const row = JSON.parse(engines.metadata.rows.get(`artifact\tb\t${key}`) ?? "");
    const { session, pieces } = row.versions.find((known: Named) => known.version === version);
    const [only] = piecesOf(session, pieces);
    if (only === undefined) throw new Error("the version has no piece");
    return only;
  }

  function stagedOf(id: string) {
    return piecesOf(id, JSON.parse(engines.metadata.rows.get(`session\t${id}`) ?? "").pieces);
  }

  function flipABit({ bytes, set }: ReturnType<typeof pieceOf>): void {
    const flipped = Buffer.from(bytes);
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    set(flipped);
  }

  /** All rows but the one with the generation, which a verification may raise. */
  function withoutStore(): Map<string, string> {
    const rows = new Map(engines.metadata.rows);
    rows.delete("store");
    return rows;
  }

  const faults = async (options = {}) => (await store.verify(options)).faults;

  describe("verify() of a sound store", () => {
    it("finds no faults, and counts the records", async () => {
      await saveText(store, "b", "one", "first");
      await saveText(store, "b", "one", "second");
      await saveText(store, "b", "two", "");
      const { id } = await store.uploads.create({ bucket: "b", key: "three" });
      await store.uploads.append(id, 0, bytesOf("abc"));
      const done = await store.uploads.create({ bucket: "b", key: "four" });
      await store.uploads.complete(done.id);
      const report = await store.verify();
      expect(report).toEqual({ artifacts: 3, versions: 4, bytes: 14, unfinished_uploads: 1, faults: [] });
    });

    it("finds no faults after a process died at any step of its work", async () => {
      await saveText(store, "b", "k", "before");
      for (let step = 1; step < 40; step += 1) {
        const dying = on(mortal(engines, step, false));
        await isDone(saveText(dying, "b", "k", `text ${step}`));
        const { id } = await store.uploads.create({ bucket: "b", key: "k" });
        const uploading = on(mortal(engines, step, true));
        await isDone(uploading.uploads.append(id, 0, bytesOf("abc")).then(() => uploading.uploads.complete(id)));
        await isDone(on(mortal(engines, step, true)).artifacts.delete("b", "k", { version: 1 }));
        expect(await faults()).toEqual([]);
        expectSound(engines);
      }
    });

    it("finds no faults while others work", async () => {
      for (let n = 0; n < 30; n += 1) await saveText(store, "b", `k${n}`, "text");
      const metadata = { ...engines.metadata };
      const { range } = metadata;
      let pages = 0;
      metadata.range = async (prefix, options) => {
        const page = await range(prefix, options);
        // Artifacts and uploads come and go while the rows and files are read.
        pages += 1;
        await store.artifacts.delete("b", `k${pages}`);
        await saveText(store, "b", `new${pages}`, "text");
        const { id } = await store.uploads.create({ bucket: "b", key: `upload${pages}` });
        await store.uploads.append(id, 0, bytesOf("abc"));
        if (pages % 2 === 0) await store.uploads.complete(id);
        return page;
      };
      const other = on({ ...engines, metadata });
      expect((await other.verify({ graceMs: 0 })).faults).toEqual([]);
      expect(pages).toBeGreaterThan(2);
    });

    it("reports its progress", async () => {
      await saveText(store, "b", "one", "12345");
      await saveText(store, "b", "two", "67890");
      const seen: [number, number][] = [];
      await store.verify({ onProgress: (done, total) => void seen.push([done, total]) });
      expect(seen).toEqual([
        [0, 10],
        [5, 10],
        [10, 10],
      ]);
    });
  });

  describe("verify() of content", () => {
    it("reports a flipped bit, a cut file and a missing file, and removes nothing", async () => {
      for (const key of ["flipped", "short", "gone"]) await saveText(store, "b", key, "content");
      await saveText(store, "b", "flipped", "a second version");
      flipABit(pieceOf("flipped"));
      pieceOf("short").set(bytesOf("conten"));
      pieceOf("gone").remove();
      const found = await faults();
      expect(found.map(({ kind, bucket, key, version }) => [kind, bucket, key, version])).toEqual([
        ["corrupt", "b", "flipped", 1],
        ["missing", "b", "gone", 1],
        ["corrupt", "b", "short", 1],
      ]);
      expect(found.map(({ message }) => message).join(" ")).toMatch(/SHA-256.*gone.*after 6 of 7/);
      expect(found.every(({ next }) => next === "restore_or_delete_version")).toBe(true);
      // A repair removes nothing that a row names.
      const rows = withoutStore();
      expect(await faults({ repair: true })).toEqual(found);
      expect(withoutStore()).toEqual(rows);
      const corrupt = { code: "corrupt", details: { key: "flipped", version: 1 } };
      await expect(textOf(store, "b", "flipped", 1)).rejects.toMatchObject(corrupt);
      await expect(textOf(store, "b", "gone")).rejects.toMatchObject({ code: "corrupt" });
      expect(await textOf(store, "b", "flipped")).toBe("a second version");
    });

    it("ignores bytes of a piece behind those that count", async () => {
      await saveText(store, "b", "long", "content");
      const { id } = await store.uploads.create({ bucket: "b", key: "k" });
      await store.uploads.append(id, 0, bytesOf("abc"));
      for (const piece of [pieceOf("long"), ...stagedOf(id)])
        piece.set(Buffer.concat([piece.bytes, bytesOf(" and more")]));
      if (pieceLimits.maxRowPieceBytes > 0) return; // a piece in a row has no bytes that do not count
      expect(await faults()).toEqual([]);
      expect(await textOf(store, "b", "long")).toBe("content");
      expect(await store.uploads.complete(id)).toMatchObject({ artifact: { bytes: 3 } });
      expect(await textOf(store, "b", "k")).toBe("abc");
    });

    it("reports damaged content of an unfinished upload", async () => {
      const { id } = await store.uploads.create({ bucket: "b", key: "k" });
      await store.uploads.append(id, 0, bytesOf("abc"));
      await saveText(store, "b", "kept", "there");
      const kept = await store.uploads.create({ bucket: "b", key: "kept", if_version: 0, checksGuardAtEnd: true });
      await store.uploads.append(kept.id, 0, bytesOf("new"));
      await isDone(store.uploads.complete(kept.id));
      for (const piece of stagedOf(id)) piece.set(bytesOf("ab"));
      for (const piece of stagedOf(kept.id)) flipABit(piece);
      const found = await faults();
      const named = found.map(({ kind, session_id, next }) => [kind, session_id, next]);
      expect(named.sort()).toEqual([id, kept.id].map((session) => ["corrupt", session, "abort_upload"]).sort());
      for (const piece of [...stagedOf(id), ...stagedOf(kept.id)]) piece.remove();
      expect((await faults()).map(({ kind }) => kind)).toEqual(["missing", "missing"]);
    });
  });

  describe("verify() of rows", () => {
    it.each([
      ["artifact\tb\tk", "{"],
      ["artifact\tb\tk", '{"revision":"r","bucket":"b","key":"other","last":1,"versions":[]}'],
      ["session\t1234", '{"id":"5678"}'],
      ["freed\t1234", "{}"],
      ["gone\tb\tsound", '{"revision":"r","last":1}'],
      ["gone\tb\tk", '{"revision":"r","last":0}'],
      ["clock", "{}"],
      ["something\telse", "{}"],
    ])("reports a row that cannot be read, and a repair keeps its text: %s", async (row, text) => {
      await saveText(store, "b", "sound", "text");
      engines.metadata.rows.set(row, text);
      expect(await faults()).toMatchObject([{ kind: "corrupt", row, repaired: false }]);
      const kept: string[] = [];
      const keepAside = async (_: string, aside: string | Uint8Array) => void kept.push(String(aside));
      const repairing = on({ ...engines, content: { ...engines.content, keepAside } });
      expect((await repairing.verify({ repair: true })).faults).toMatchObject([{ row, repaired: true }]);
      expect(kept).toEqual([text]);
      expect(await faults()).toEqual([]);
    });

    it("reports a version that two keys name", async () => {
      await saveText(store, "b", "one", "text");
      const row = engines.metadata.rows.get("artifact\tb\tone") ?? "";
      engines.metadata.rows.set("artifact\tb\ttwo", row.replace('"key":"one"', '"key":"two"'));
      expect(await faults()).toMatchObject([{ kind: "corrupt", row: "artifact\tb\ttwo", bucket: "b", key: "two" }]);
    });

    it("reports versions that are out of order, or above the last number", async () => {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      const row = JSON.parse(engines.metadata.rows.get("artifact\tb\tk") ?? "");
      for (const wrong of [
        { ...row, last: 1 },
        { ...row, versions: [...row.versions].reverse() },
      ]) {
        engines.metadata.rows.set("artifact\tb\tk", JSON.stringify(wrong));
        const found = await faults();
        expect(found.filter(({ kind }) => kind !== "orphan")).toMatchObject([
          { kind: "corrupt", row: "artifact\tb\tk" },
        ]);
      }
    });

    it("reports an upload that no listing shows, and a repair lists it again", async () => {
      const { id } = await store.uploads.create({ bucket: "b", key: "k" });
      engines.metadata.rows.delete(`upload\tb\tk\t${id}`);
      expect(await faults()).toMatchObject([{ kind: "unlisted", session_id: id, repaired: false }]);
      expect(await faults({ repair: true })).toMatchObject([{ kind: "unlisted", repaired: true }]);
      expect(await faults()).toEqual([]);
      expect((await store.uploads.list({ all: true, limit: 9 })).data).toMatchObject([{ id }]);
    });
  });

  it("accepts a session that several versions of one key share, and reports a piece or a session that two share", async () => {
    for (const text of ["one", "two"]) await saveText(store, "b", "from", text);
    await store.artifacts.copy({ bucket: "b", key: "from", to_key: "k", move: true });
    expect((await store.verify()).faults).toEqual([]);
    const name = "artifact\tb\tk";
    const text = engines.metadata.rows.get(name) ?? "";
    const record = JSON.parse(text);
    const [newest, older] = record.versions;
    const samePiece = [newest, { ...older, pieces: newest.pieces }];
    engines.metadata.rows.set(name, JSON.stringify({ ...record, versions: samePiece }));
    const corrupt = { kind: "corrupt", row: name };
    expect((await store.verify()).faults).toContainEqual(expect.objectContaining(corrupt));
    engines.metadata.rows.set(name, text);
    const other = JSON.stringify({ ...record, key: "other", versions: [older], last: 1 });
    engines.metadata.rows.set("artifact\tb\tother", other);
    const found = expect.objectContaining({ ...corrupt, row: "artifact\tb\tother" });
    expect((await store.verify()).faults).toContainEqual(found);
  });
});
