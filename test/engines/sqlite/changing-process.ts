import { setImmediate } from "node:timers/promises";
import { openKeyvMetadataStore } from "../../../src/engines/sqlite/keyv-metadata-store.js";

/*
 * node changing-process.mjs <file> <name> <changes>: adds 1 to the numbers in two rows as often as `changes` says, and
 * adds a row and a piece each time. If another process was faster, it reads the rows again and retries.
 */
const [, , file = "", name = "", changes] = process.argv;
const store = await openKeyvMetadataStore(file, () => undefined);
const keys = ["sum\ta", "sum\tb"];

for (let made = 0; made < Number(changes); ) {
  const texts = await store.getMany(keys);
  const rows = keys.map((key, n) => ({ key, old: texts[n], next: String(Number(texts[n] ?? 0) + 1) }));
  const piece = `piece ${name}-${made}`;
  const own = { key: `row\t${piece}`, old: undefined, next: texts[0] ?? "0" };
  const put = [{ name: piece, bytes: new Uint8Array(1_000).fill(made) }];
  if (await store.change([...rows, own], { put })) made += 1;
  await setImmediate();
}
await store.close();
