import { emptySearchHints } from "../../../api/hints/empty-search-hints.js";
import { type SearchArtifacts, searchWords } from "../../../store/artifacts/artifact-search.js";
import type { ArtifactStore } from "../../../store/artifacts/artifact-store.js";
import type { Artifact } from "../../../store/model/artifact.js";
import { isBucket } from "../../../store/model/names/bucket-name.js";
import { quote } from "../../../store/model/quote.js";
import { ConfigError } from "../../options/config-error.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { createListing } from "../../terminal/listing.js";
import { addressOf } from "../address.js";
import { shellWord } from "../local-path.js";
import type { StoreCommand } from "../store-command.js";
import { artifactColumns } from "./artifact-columns.js";
import { pagesOf } from "./pages.js";

type Wanted = Omit<SearchArtifacts, "limit" | "cursor">;

const { size, saved, version, type, expires, savedBy, sha256, metadata } = artifactColumns;
const name = { title: "NAME", isName: true, text: (artifact: Artifact) => `${artifact.bucket}/${artifact.key}` };
const columns = [size, saved, version, type, name, expires, savedBy, sha256, metadata];

export const search: StoreCommand = {
  isWriting: false,
  isPrinter: true,
  check: wantedBy,
  async run({ config, store: { artifacts }, terminal, signal }) {
    const wanted = wantedBy(config);
    const { options } = config;
    const [isJson, isLong] = [options.has("json"), options.has("long")];
    const listing = createListing<Artifact>(terminal, { isJson, isLong, columns, address: addressOf });
    let left = options.one("limit") ?? Number.POSITIVE_INFINITY;
    let isNothing = true;
    for await (const { data } of pagesOf((page) => artifacts.search({ ...wanted, ...page }), signal)) {
      await listing.add(data.slice(0, left));
      left -= data.length;
      if (data.length > 0) isNothing = false;
      if (left <= 0) break;
    }
    await listing.end();
    if (isNothing) {
      const hints = (await addressHint(artifacts, config.words)) ?? (await emptySearchHints(artifacts, wanted));
      terminal.problem(["nothing was found.", ...hints].join(" "));
    }
    return 0;
  },
};

/** For a word that is an address, as listings print it: bucket and key are searched one by one. */
async function addressHint(artifacts: ArtifactStore, words: readonly string[]): Promise<string[] | undefined> {
  for (const word of words.flatMap(searchWords)) {
    const [, bucket = "", key = ""] = /^(?:(?:artifact|s3):\/\/)?([^/]+)\/(.*)$/s.exec(word) ?? [];
    if (!isBucket(bucket)) continue;
    const { data } = await artifacts.listBuckets({ prefix: bucket, limit: 1 });
    if (data[0]?.name !== bucket) continue; // of all names that begin with it, it is the first
    const place = shellWord(`${bucket}/${key}`);
    const search = `search --bucket ${bucket}${key === "" ? "" : ` ${shellWord(key)}`}`;
    return [
      `${quote(word)} looks like an address: "artifacts-mcp ls ${place}" lists what is there, and "artifacts-mcp ${search}" searches it.`,
    ];
  }
  return undefined;
}

/** @throws ConfigError */
function wantedBy({ words, options }: StoreCommandConfig): Wanted {
  const query = words.join(" ");
  const pairs = options.all("metadata").map((pair) => [pair.name, pair.value] as const);
  const conditions = {
    bucket: options.one("bucket"),
    prefix: options.one("prefix"),
    mime_type: options.one("mime-type"),
    metadata: pairs.length === 0 ? undefined : Object.fromEntries(pairs),
  };
  if (query.trim() === "" && Object.values(conditions).every((value) => value === undefined)) {
    throw new ConfigError('search needs words or a condition; "artifacts-mcp ls -r" lists everything');
  }
  return { ...conditions, query, order: options.one("order") };
}
