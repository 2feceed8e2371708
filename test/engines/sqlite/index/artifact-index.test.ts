import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLocalConnection } from "../../../../src/engines/sqlite/database/local-connection.js";
import { feedIndex } from "../../../../src/engines/sqlite/index/feed-index.js";
import { openKeyvMetadataStore } from "../../../../src/engines/sqlite/keyv-metadata-store.js";
import { SEARCH_ORDERS, type SearchQuery } from "../../../../src/store/ports/artifact-index.js";
import type { MetadataStore } from "../../../../src/store/ports/metadata-store.js";
import { artifactIndexContract, searchAll } from "../../../contracts/artifact-index-contract.js";
import { temporaryDirectory } from "../../../support/directories.js";
import { removeArtifact, setArtifact } from "../../../support/index-rows.js";
import { createMemoryMetadataStore } from "../../../support/memory-metadata-store.js";
import { amongNeighbours } from "../../../support/neighbours.js";
import { silentLog } from "../../../support/silent-log.js";

async function openIndexed() {
  const file = join(await temporaryDirectory(), "metadata.sqlite");
  const store = await openKeyvMetadataStore(file, silentLog);
  onTestFinished(() => store.close());
  const connection = await openLocalConnection(file, { busyTimeoutMs: 15_000 });
  onTestFinished(() => connection.close());
  /** Adds all pending artifacts to the full-text tables. */
  const feed = async (): Promise<void> => {
    while ((await connection.writeTogether(feedIndex)) > 0);
  };
  return { file, store, connection, feed };
}

/** A store whose artifacts are never pending. */
async function openFed(): Promise<MetadataStore> {
  const { store, feed } = await openIndexed();
  return {
    ...store,
    async change(rows, pieces) {
      const isMade = await store.change(rows, pieces);
      await feed();
      return isMade;
    },
  };
}

artifactIndexContract("SQLite, with all artifacts pending,", async () => (await openIndexed()).store);
artifactIndexContract("SQLite, with no artifact pending,", openFed);
artifactIndexContract("SQLite under a bucket prefix, with all artifacts pending,", async () =>
  amongNeighbours((await openIndexed()).store),
);
artifactIndexContract("SQLite under a bucket prefix, with no artifact pending,", async () =>
  amongNeighbours(await openFed()),
);

const pick = <Item>(...items: readonly Item[]) => fc.constantFrom(...items);
const versions = fc.record({
  mime_type: pick("text/csv", "text/plain; charset=utf-8", "image/png"),
  bytes: pick(0, 1, 2, 500),
  created_at: fc.nat(20),
  metadata: fc.dictionary(pick("run", "split", "é"), pick("train", "Test run", "7", "été"), { maxKeys: 2 }),
});
const expiring = fc.tuple(versions, pick(undefined, 50, 150)).map(([version, expires_at]) => ({
  ...version,
  ...(expires_at === undefined ? {} : { expires_at }),
}));
const steps = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: pick("save"),
      bucket: pick("a", "A", "bb"),
      key: pick("x", "x/1", "x/é", "Train/7", "y"),
      version: expiring,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: pick("edit"),
      bucket: pick("a", "A", "bb"),
      key: pick("x", "x/1", "y"),
      version: expiring,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: pick("remove"), bucket: pick("a", "bb"), key: pick("x", "x/é", "y") }) },
  { weight: 1, arbitrary: fc.record({ kind: pick("feed", "rebuild") }) },
);
const searches = fc.record({
  words: fc.array(pick("x", "tr", "train", "TEST RUN", "é", "été", "7", "bb", "%", "run", "spl"), { maxLength: 2 }),
  bucket: pick(undefined, undefined, "a", "bb", "b"),
  bucket_prefix: pick(undefined, undefined, "b", "a"), // "bb" is "b" under "b", and "a" is nothing under "a"
  prefix: pick(undefined, undefined, "x", "x/", "T"),
  mime_type: pick(undefined, undefined, "text/*", "text/csv", "image/png"),
  metadata: pick(undefined, undefined, { run: "7" }, { split: "train" }, { run: "7", é: "été" }),
  created_after: pick(undefined, 5),
  created_before: pick(undefined, 15),
  min_bytes: pick(undefined, 1),
  max_bytes: pick(undefined, 2),
  order: pick(...SEARCH_ORDERS),
  limit: fc.integer({ min: 1, max: 4 }),
  now: pick(49, 50, 200),
});

type Step = { kind: string; bucket?: string; key?: string; version?: object };

/** The versions of a key after a step, newest first. A removed newest version brings the one before it back. */
function after(before: readonly { version: number }[], { kind, version = {} }: Step): readonly { version: number }[] {
  const [newest, ...older] = before;
  if (kind === "remove") return older;
  if (kind === "save") return [{ ...version, version: (newest?.version ?? 0) + 1 }, ...before].slice(0, 3);
  return newest === undefined ? [] : [{ ...version, version: newest.version }, ...older];
}

/** Returns a function that makes a step in all stores. */
function createSteps(stores: readonly MetadataStore[], feed: () => Promise<void>) {
  const saved = new Map<string, readonly { version: number }[]>();
  return async (step: Step): Promise<void> => {
    const { kind, bucket = "", key = "" } = step;
    if (kind === "feed") return feed();
    if (kind === "rebuild") return stores[0]?.rebuildIndex();
    const next = after(saved.get(`${bucket} ${key}`) ?? [], step);
    saved.set(`${bucket} ${key}`, next);
    for (const store of stores) {
      if (next.length === 0) await removeArtifact(store, bucket, key);
      else await setArtifact(store, bucket, key, ...next);
    }
  };
}

describe("the index in SQLite", () => {
  it("finds what a scan of all rows finds, after any changes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { minLength: 1, maxLength: 25 }),
        fc.array(searches, { minLength: 8, maxLength: 8 }),
        async (made, wanted) => {
          const { store, connection, feed } = await openIndexed();
          const memory = createMemoryMetadataStore();
          const make = createSteps([store, memory], feed);
          for (const step of made) await make(step);
          for (const query of wanted as SearchQuery[]) {
            const [found, expected] = [await searchAll(store, query), await searchAll(memory, query)];
            if (query.order === "key") expect(found).toEqual(expected);
            expect(found.sort()).toEqual(expected.sort());
            const buckets = { prefix: "", now: query.now, limit: 9, bucket_prefix: query.bucket_prefix };
            expect(await store.buckets(buckets)).toEqual(await memory.buckets(buckets));
            const [counted, scanned] = [
              await store.matching("a", "x", query.now),
              await memory.matching("a", "x", query.now),
            ];
            expect({ ...counted, last: 0 }).toEqual({ ...scanned, last: 0 });
            expect(await store.bucketUse("a")).toEqual(await memory.bucketUse("a"));
            expect(await store.countAged("a", query.now)).toEqual(await memory.countAged("a", query.now));
          }
          expect(await store.checkIndex()).toEqual([]);
          await Promise.all([store.close(), connection.close()]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
