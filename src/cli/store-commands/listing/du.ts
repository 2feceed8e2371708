import { addSizes, type FolderSizes, type Sizes } from "../../../store/artifacts/folder-sizes.js";
import { createListing, type ListingColumn } from "../../terminal/listing.js";
import type { Terminal } from "../../terminal/terminal.js";
import { placeIn } from "../command-words.js";
import { folderPrefix } from "../folder-prefix.js";
import type { StoreCommand } from "../store-command.js";

interface Row extends Sizes {
  /** The address of a bucket or folder. */
  readonly name: string;
}

const columns: readonly ListingColumn<Row>[] = [
  { title: "SIZE", isNumber: true, text: ({ bytes }, style) => style.bytes(bytes) },
  { title: "ALL VERSIONS", isNumber: true, text: ({ all_bytes }, style) => style.bytes(all_bytes) },
  { title: "ARTIFACTS", isNumber: true, text: ({ artifacts }) => String(artifacts) },
  { title: "VERSIONS", isNumber: true, text: ({ versions }) => String(versions) },
  { title: "NAME", text: ({ name }) => name },
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
    const prefix = place === undefined ? undefined : await folderPrefix(store.artifacts, place);
    const found =
      place === undefined || prefix === undefined
        ? store.artifacts.bucketSizes(signal)
        : store.artifacts.folderSizes(place.bucket, prefix, signal);
    const wanted = place === undefined ? "total" : `${place.bucket}/${prefix}`;
    return config.options.has("json")
      ? printJson(terminal, found)
      : printLines(terminal, found, wanted, config.options.has("long"));
  },
};

async function printJson(terminal: Terminal, found: AsyncIterable<FolderSizes>): Promise<number> {
  const listing = createListing<FolderSizes>(terminal, { isJson: true, isLong: false, columns: [] });
  let total = nothing;
  for await (const sizes of found) {
    total = addSizes(total, sizes);
    await listing.add([sizes]);
  }
  await listing.end({ total });
  return 0;
}

/** Prints a line for each bucket or folder. Like that of `du`, the last line is the sum of all. @param wanted its name */
async function printLines(
  terminal: Terminal,
  found: AsyncIterable<FolderSizes>,
  wanted: string,
  isLong: boolean,
): Promise<number> {
  const listing = createListing<Row>(terminal, { isJson: false, isLong, columns });
  let total = nothing;
  const rows: Row[] = [];
  for await (const sizes of found) {
    total = addSizes(total, sizes);
    rows.push({ ...sizes, name: nameOf(sizes, wanted) });
    if (rows.length === rowsAtOnce) await listing.add(rows.splice(0));
  }
  await listing.add([...rows, { ...total, name: wanted }]);
  await listing.end();
  return 0;
}

function nameOf({ bucket, prefix }: FolderSizes, wanted: string): string {
  if (prefix === undefined) return bucket;
  const name = `${bucket}/${prefix}`;
  return name === wanted ? `${name} (in no folder)` : name;
}
