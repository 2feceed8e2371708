import type { BucketSettings } from "../../../store/buckets/buckets.js";
import { isBucket } from "../../../store/model/names/bucket-name.js";
import { ConfigError } from "../../options/config-error.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";

/** What `bucket` is to do. */
export type BucketRequest =
  | { readonly verb: "ls" }
  | { readonly verb: "show"; readonly name: string }
  | { readonly verb: "set"; readonly name: string; readonly wanted: Partial<BucketSettings> };

/** @throws ConfigError */
export function readBucketRequest(config: StoreCommandConfig): BucketRequest {
  const [verb = "ls", name, more] = config.words;
  if (verb !== "ls" && verb !== "show" && verb !== "set") {
    throw new ConfigError(`bucket has the words ls, show and set, not ${JSON.stringify(verb)}: see bucket --help`);
  }
  const wanted = wantedLimits(config);
  if (wanted !== undefined && verb !== "set") {
    throw new ConfigError("--max-age and --max-bytes go with bucket set NAME");
  }
  if (verb === "ls") {
    if (name === undefined) return { verb };
    throw new ConfigError(`bucket ls takes no name: bucket show ${name} shows one bucket`);
  }
  if (name === undefined || more !== undefined) throw new ConfigError(`bucket ${verb} needs the name of one bucket`);
  if (verb === "show") return { verb, name: bucketNamed(name) };
  if (wanted === undefined) throw new ConfigError("bucket set needs --max-age, --max-bytes, or both");
  if (config.readOnly) throw new ConfigError("bucket set changes the store, and ARTIFACTS_READ_ONLY is set: unset it");
  return { verb, name: bucketNamed(name), wanted };
}

/** Undefined if no limit is given. */
function wantedLimits({ options }: StoreCommandConfig): Partial<BucketSettings> | undefined {
  const [age, bytes] = [options.one("max-age"), options.one("max-bytes")];
  if (age === undefined && bytes === undefined) return undefined;
  return {
    ...(age === undefined ? {} : { max_age: age === "none" ? null : age }),
    ...(bytes === undefined ? {} : { max_bytes: bytes === "none" ? null : bytes }),
  };
}

/** A bucket may be written as an address: `s3://name/`. */
function bucketNamed(word: string): string {
  const name = word.replace(/^(?:artifact|s3):\/\//, "").replace(/\/$/, "");
  if (isBucket(name)) return name;
  throw new ConfigError(
    `${JSON.stringify(word)} is no name of a bucket: letters, digits, dots, hyphens and underscores`,
  );
}
