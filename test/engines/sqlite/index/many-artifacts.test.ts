import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openLocalConnection } from "../../../../src/engines/sqlite/database/local-connection.js";
import { feedIndex } from "../../../../src/engines/sqlite/index/feed-index.js";
import { openKeyvMetadataStore } from "../../../../src/engines/sqlite/keyv-metadata-store.js";
import { artifactKey } from "../../../../src/store/model/row-keys.js";
import { SEARCH_ORDERS, type SearchQuery } from "../../../../src/store/ports/artifact-index.js";
import { searchAll } from "../../../contracts/artifact-index-contract.js";
import { temporaryDirectory } from "../../../support/directories.js";
import { artifactText } from "../../../support/index-rows.js";
import { silentLog } from "../../../support/silent-log.js";

/** More than twice as many as one page looks at, and more than a search may find pending. */
const count = 7_000;
const artifacts = Array.from({ length: count }, (_, n) => {
  const bucket = n % 3 === 0 ? "third" : "other";
  const metadata = { parity: n % 2 === 0 ? "even" : "odd", hundred: String(Math.floor(n / 100)) };
  const version = { bytes: (n * 7_919) % count, created_at: Math.floor(n / 50), metadata };
  return { n, bucket, key: `data/key-${String(n).padStart(4, "0")}.csv`, version };
});
type Made = (typeof artifacts)[number];
const name = ({ bucket, key }: Made): string => `${bucket}/${key}`;

/** By the order, the number after which artifacts are sorted. Artifacts with equal numbers have any order. */
const sortedBy: Readonly<Record<SearchQuery["order"], (made: Made) => number>> = {
  newest: ({ version }) => -version.created_at,
  oldest: ({ version }) => version.created_at,
  largest: ({ version }) => -version.bytes,
  smallest: ({ version }) => version.bytes,
  key: ({ n }) => (n % 3 === 0 ? count : 0) + n,
};

const searches: readonly (readonly [Partial<SearchQuery>, (made: Made) => boolean])[] = [
  [{}, () => true],
  [{ words: ["key-"] }, () => true],
  [{ words: ["KEY", "even"] }, ({ n }) => n % 2 === 0],
  [{ words: ["4"], bucket: "third" }, (made) => made.n % 3 === 0 && /4/.test(made.key + made.version.metadata.hundred)],
  [{ words: ["key-69"], bucket: "other" }, ({ n }) => n % 3 !== 0 && n >= 6_900],
  [{ words: ["y-6999"] }, ({ n }) => n === 6_999],
  [{ metadata: { parity: "odd" } }, ({ n }) => n % 2 === 1],
  [{ metadata: { parity: "odd", hundred: "12" } }, ({ n }) => n % 2 === 1 && n >= 1_200 && n < 1_300],
  [{ prefix: "data/key-1" }, ({ n }) => n >= 1_000 && n < 2_000],
  [{ bucket: "third", prefix: "data/key-6" }, ({ n }) => n >= 6_000 && n % 3 === 0],
  [{ bucket: "other" }, ({ n }) => n % 3 !== 0],
  [{ created_after: 130, words: ["odd"] }, ({ n }) => n >= 6_500 && n % 2 === 1],
  [{ created_after: 10, created_before: 100 }, ({ n }) => n >= 500 && n < 5_050],
  [{ min_bytes: 6_990 }, ({ version }) => version.bytes >= 6_990],
  [{ max_bytes: 6_000, mime_type: "text/*" }, ({ version }) => version.bytes <= 6_000],
  [{ words: ["no such word"] }, () => false],
  [{ words: ["zq"] }, () => false],
];

async function filled(isFed: boolean) {
  const file = join(await temporaryDirectory(), "metadata.sqlite");
  const store = await openKeyvMetadataStore(file, silentLog);
  onTestFinished(() => store.close());
  const connection = await openLocalConnection(file, { busyTimeoutMs: 15_000 });
  // No change of this process, so that nothing begins to feed.
  await connection.writeTogether((query) => {
    for (const { bucket, key, version } of artifacts) {
      const value = `{"value":${artifactText(bucket, key, [version])}}`;
      query("INSERT INTO keyv (key, value) VALUES (?, ?)", [artifactKey(bucket, key), value]);
    }
  });
  if (isFed) while ((await connection.writeTogether(feedIndex)) > 0);
  await connection.close();
  return store;
}

const madeOf = new Map(artifacts.map((made) => [name(made), made]));

it.each([
  ["that are all pending", false],
  ["in the full-text tables", true],
])(`a search among ${count} artifacts %s finds each match once, in each order, page by page`, async (_, isFed) => {
  const store = await filled(isFed);
  for (const [wanted, isMatch] of searches) {
    const expected = artifacts.filter(isMatch).map(name).sort();
    for (const order of SEARCH_ORDERS) {
      const found = await searchAll(store, { ...wanted, order, limit: 400 });
      expect([...found].sort(), JSON.stringify([order, wanted])).toEqual(expected);
      const numbers = found.map((each) => sortedBy[order](madeOf.get(each) as Made));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  }
});
