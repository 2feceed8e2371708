import type { Bucket } from "../../../store/buckets/buckets.js";
import { largestPageLimit } from "../../../store/model/limits.js";
import type { Store } from "../../../store/store.js";
import { jsonLine } from "../../terminal/json-text.js";
import type { StoreCommand } from "../store-command.js";
import { readBucketRequest } from "./bucket-request.js";
import { tableOf, textOf } from "./bucket-text.js";

export const bucket: StoreCommand = {
  isWriting: false, // `set` is, and checks it itself
  check: (config) => void readBucketRequest(config),
  async run({ config, store, terminal }) {
    const request = readBucketRequest(config);
    const isJson = config.options.has("json");
    if (request.verb === "ls") {
      const all = await allBuckets(store);
      await terminal.print(isJson ? jsonLine({ data: all.map(shown) }) : tableOf(all));
      return 0;
    }
    const { name } = request;
    const found = await (request.verb === "set" ? store.buckets.set(name, request.wanted) : store.buckets.get(name));
    await terminal.print(isJson ? jsonLine(shown(found)) : textOf(found, await store.ageLimits.waitMs()));
    return 0;
  },
};

/** The buckets that hold an artifact or have a limit, in the order of their names. */
async function allBuckets({ artifacts, buckets }: Store): Promise<Bucket[]> {
  const names = new Set(await buckets.limited());
  let cursor: string | undefined;
  do {
    const page = await artifacts.listBuckets({ limit: largestPageLimit, cursor });
    for (const { name } of page.data) names.add(name);
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  const all: Bucket[] = [];
  for (const name of [...names].sort()) all.push(await buckets.get(name));
  return all;
}

/** As JSON: in all commands, `bytes` are those of the newest versions. */
function shown({ bytes, ...bucket }: Bucket) {
  return { ...bucket, all_bytes: bytes };
}
