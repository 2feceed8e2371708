import type { UploadSession } from "../../../store/model/upload-session.js";
import { createListing, type ListingColumn } from "../../terminal/listing.js";
import { placeIn } from "../command-words.js";
import type { StoreCommand } from "../store-command.js";
import { metadataText } from "./artifact-columns.js";
import { pagesOf } from "./pages.js";

const columns: readonly ListingColumn<UploadSession>[] = [
  { title: "ID", text: ({ id }) => id },
  { title: "STORED", isNumber: true, text: ({ offset }, style) => style.bytes(offset) },
  { title: "OF", isNumber: true, text: ({ size }, style) => (size === null ? "" : style.bytes(size)) },
  { title: "STATUS", text: ({ status }) => status },
  { title: "EXPIRES", text: ({ expires_at }, style) => style.time(expires_at) },
  { title: "NAME", text: ({ bucket, key }) => `${bucket}/${key}` },
  { title: "BEGUN", isLong: true, text: ({ created_at }, style) => style.time(created_at) },
  { title: "TYPE", isLong: true, text: ({ mime_type }) => mime_type },
  { title: "METADATA", isLong: true, text: ({ metadata }) => metadataText(metadata) },
];

export const uploads: StoreCommand = {
  isWriting: false,
  isPrinter: true,
  check: placeIn,
  async run({ config, store, terminal, signal }) {
    const { bucket, key = "" } = placeIn(config) ?? {};
    const filter = { bucket, key: key === "" ? undefined : key };
    const [isJson, isLong] = [config.options.has("json"), config.options.has("long")];
    const listing = createListing<UploadSession>(terminal, { isJson, isLong, columns });
    for await (const { data } of pagesOf((page) => store.uploads.list({ ...filter, ...page }), signal))
      await listing.add(data);
    await listing.end();
    return 0;
  },
};
