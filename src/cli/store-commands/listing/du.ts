import { addSizes, type FolderSizes, type Sizes } from "../../../store/artifacts/folder-sizes.js";
import { createListing, type ListingColumn } from "../../terminal/listing.js";
import { placeIn } from "../command-words.js";
import { folderPrefix } from "../folder-prefix.js";
import type { StoreCommand } from "../store-command.js";

/** A bucket or a folder; without a name the sum of all. */
type Row = Sizes & Partial<Pick<FolderSizes, "bucket" | "prefix">>;

const columns: readonly ListingColumn<Row>[] = [
  { title: "SIZE", isNumber: true, text: ({ bytes }, style) => style.bytes(bytes) },
  { title: "ALL VERSIONS", isNumber: true, text: ({ all_bytes }, style) => style.bytes(all_bytes) },
  { title: "ARTIFACTS", isNumber: true, text: ({ artifacts }) => String(artifacts) },
  { title: "VERSIONS", isNumber: true, text: ({ versions }) => String(versions) },
  { title: "NAME", text: nameOf },
];

const nothing: Sizes = { artifacts: 0, bytes: 0, versions: 0, all_bytes: 0 };
/** Rows that are printed together, so that their columns are aligned. */
const rowsAtOnce = 200;

export const du: StoreCommand = {
  isWriting: false,
  isPrinter: true,
  check: placeIn,
  async run({ config, store, terminal, signal }) {
    const place = placeIn(config);
    const isJson = config.options.has("json");
    const listing = createListing<Row>(terminal, { isJson, isLong: config.options.has("long"), columns });
    const found =
      place === undefined
        ? store.artifacts.bucketSizes(signal)
        : store.artifacts.folderSizes(place.bucket, await folderPrefix(store.artifacts, place), signal);
    let total = nothing;
    const rows: Row[] = [];
    for await (const sizes of found) {
      total = addSizes(total, sizes);
      rows.push(sizes);
      if (rows.length === rowsAtOnce) await listing.add(rows.splice(0));
    }
    // A program gets no line that it would have to leave out again.
    if (terminal.isTerminal && !isJson) rows.push(total);
    await listing.add(rows);
    await listing.end({ total });
    return 0;
  },
};

function nameOf({ bucket, prefix }: Row): string {
  if (bucket === undefined) return "total";
  return prefix === undefined ? bucket : `${bucket}/${prefix}`;
}
