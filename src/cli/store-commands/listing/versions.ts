import type { Artifact } from "../../../store/model/artifact.js";
import { largestKeepVersions } from "../../../store/model/limits.js";
import { ConfigError } from "../../options/config-error.js";
import { createListing } from "../../terminal/listing.js";
import { artifactAddress, placeIn } from "../command-words.js";
import type { StoreCommand } from "../store-command.js";
import { artifactColumns } from "./artifact-columns.js";

const { version, ...others } = artifactColumns;
const { size, saved, type, savedBy, expires, sha256, metadata } = others;
const columns = [
  { ...version, isLong: false },
  size,
  saved,
  { ...type, isLong: false },
  { ...savedBy, isLong: false },
  { ...expires, isLong: false },
  sha256,
  metadata,
];

export const versions: StoreCommand = {
  isWriting: false,
  isPrinter: true,
  check(config) {
    if (placeIn(config) === undefined) throw new ConfigError("versions needs an address: BUCKET/KEY");
    artifactAddress(config.words[0] ?? "");
  },
  async run({ config, store, terminal }) {
    const { bucket, key } = artifactAddress(config.words[0] ?? "");
    const { data } = await store.artifacts.listVersions(bucket, key, { limit: largestKeepVersions });
    const listing = createListing<Artifact>(terminal, {
      isJson: config.options.has("json"),
      isLong: config.options.has("long"),
      columns,
      address: (artifact) => `${artifact.bucket}/${artifact.key}@${artifact.version}`,
    });
    await listing.add(data);
    await listing.end();
    return 0;
  },
};
