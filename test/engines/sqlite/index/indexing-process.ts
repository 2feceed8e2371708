import { openKeyvMetadataStore } from "../../../../src/engines/sqlite/keyv-metadata-store.js";
import { removeArtifact, setArtifact } from "../../../support/index-rows.js";

/*
 * node indexing-process.mjs <file> <name> <artifacts>: saves artifacts, each with a word that all have and a word of its
 * own. Every tenth is saved again with other metadata, and every fifteenth is removed. Prints each number that was
 * acknowledged.
 */
const [, , file = "", name = "", artifacts] = process.argv;
const store = await openKeyvMetadataStore(file, () => undefined);
for (let n = 0; n < Number(artifacts); n += 1) {
  const key = `${name}/${n}`;
  await setArtifact(store, "b", key, { metadata: { word: `common own-${name}-${n}.` } });
  if (n % 10 === 0) await setArtifact(store, "b", key, { metadata: { word: `common edited-${name}-${n}.` } });
  if (n % 15 === 0) await removeArtifact(store, "b", key);
  process.stdout.write(`${n}\n`);
}
await store.close();
