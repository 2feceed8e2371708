import type { ArtifactPage } from "../../../store/artifacts/artifact-listings.js";
import type { Artifact } from "../../../store/model/artifact.js";
import type { PageOptions } from "../../../store/model/cursor.js";
import type { BucketSummary } from "../../../store/ports/artifact-index.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { createListing, type FactStyle, type ListingColumn } from "../../terminal/listing.js";
import { type Address, addressOf } from "../address.js";
import { placeIn } from "../command-words.js";
import { folderPrefix } from "../folder-prefix.js";
import type { StoreCommand, StoreCommandContext } from "../store-command.js";
import { artifactColumns } from "./artifact-columns.js";
import { type FolderEntry, folderEntries, folderOf } from "./folder-entries.js";
import { pagesOf } from "./pages.js";

export const ls: StoreCommand = {
  isWriting: false,
  isPrinter: true,
  check: wantedBy,
  async run(context) {
    const { place, bucketPrefix = "" } = wantedBy(context.config);
    if (place !== undefined) await listPlace(context, place);
    else if (context.config.options.has("recursive")) await listStore(context);
    else await listBuckets(context, bucketPrefix);
    return 0;
  },
};

interface Wanted {
  readonly place?: Address | undefined;
  /** The beginning of the names of buckets. */
  readonly bucketPrefix?: string;
}

/** @throws ConfigError */
function wantedBy(config: StoreCommandConfig): Wanted {
  const { words, options } = config;
  const [word = "/"] = words;
  const isBucketPrefix = words.length === 1 && options.has("begins-with") && !word.includes("/");
  return isBucketPrefix ? { bucketPrefix: word } : { place: placeIn(config) };
}

const bucketColumns: readonly ListingColumn<BucketSummary>[] = [
  { title: "SIZE", isNumber: true, text: ({ bytes }, style) => style.bytes(bytes) },
  { title: "ARTIFACTS", isNumber: true, text: ({ artifacts }) => String(artifacts) },
  { title: "SAVED", text: ({ newest_at }, style) => style.time(newest_at) },
  { title: "BUCKET", text: ({ name }) => name },
];

async function listBuckets({ config, store, terminal, signal }: StoreCommandContext, prefix: string): Promise<void> {
  const listing = createListing<BucketSummary>(terminal, {
    ...shown(config.options),
    columns: bucketColumns,
    address: ({ name }) => name,
  });
  const read = (page: PageOptions) => store.artifacts.listBuckets({ prefix, ...page });
  for await (const { data } of pagesOf(read, signal)) await listing.add(data);
  await listing.end();
}

async function listStore({ config, store, terminal, signal }: StoreCommandContext): Promise<void> {
  const listing = createListing<Artifact>(terminal, {
    ...shown(config.options),
    columns: columnsOfArtifacts((artifact) => `${artifact.bucket}/${artifact.key}`),
    address: addressOf,
  });
  for await (const { data } of pagesOf((page) => store.artifacts.listAll(page), signal)) await listing.add(data);
  await listing.end();
}

async function listPlace({ config, store, terminal, signal }: StoreCommandContext, place: Address): Promise<void> {
  const { bucket, key } = place;
  const prefix = config.options.has("begins-with") ? key : await folderPrefix(store.artifacts, place);
  const isDeep = config.options.has("recursive");
  const read = (page: PageOptions): Promise<ArtifactPage> =>
    store.artifacts.list({ bucket, prefix, delimiter: isDeep ? undefined : "/", ...page });
  if (config.options.has("json")) {
    const listing = createListing<Artifact>(terminal, { ...shown(config.options), columns: [] });
    const prefixes: string[] = [];
    for await (const page of pagesOf(read, signal)) {
      prefixes.push(...page.prefixes);
      await listing.add(page.data);
    }
    return listing.end(isDeep ? {} : { prefixes });
  }
  const folder = folderOf(prefix);
  const listing = createListing<FolderEntry>(terminal, {
    ...shown(config.options),
    columns: columnsOfEntries(folder),
    address: (entry) => (typeof entry === "string" ? `${bucket}/${entry}` : addressOf(entry)),
  });
  for await (const page of pagesOf(read, signal)) await listing.add(folderEntries(page));
  return listing.end();
}

function shown(options: StoreCommandContext["config"]["options"]) {
  return { isJson: options.has("json"), isLong: options.has("long") };
}

const { size, saved, version, type, expires, savedBy, sha256, metadata } = artifactColumns;

/** The name comes last among what is usual, because a name can be long. */
function columnsOfArtifacts(name: (artifact: Artifact) => string): ListingColumn<Artifact>[] {
  return [size, saved, version, type, { title: "NAME", isName: true, text: name }, expires, savedBy, sha256, metadata];
}

/** @param folder the beginning that all names have and that is not printed */
function columnsOfEntries(folder: string): ListingColumn<FolderEntry>[] {
  const name = (artifact: Artifact): string => artifact.key.slice(folder.length);
  return columnsOfArtifacts(name).map(({ text, ...column }) => ({
    ...column,
    text(entry: FolderEntry, style: FactStyle): string {
      if (typeof entry !== "string") return text(entry, style);
      return column.isName ? entry.slice(folder.length) : "";
    },
  }));
}
