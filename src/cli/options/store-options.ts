import { SEARCH_ORDERS } from "../../store/ports/artifact-index.js";
import { type CommandName, storeCommandNames } from "./command-names.js";
import type { Option } from "./option.js";
import { ageOrNone, bytesOrNone, duration, metadataPair, oneOf, someText, wholeNumber } from "./value-parsers.js";

/*
 * The options of the commands on artifacts, as rows of the one table in `option-table.ts`. They have no environment
 * variables.
 */

const group = "Options of commands";
const commandsWithJson: readonly CommandName[] = [...storeCommandNames.filter((name) => name !== "cat"), "verify"];

export const storeOptions = {
  json: { commands: commandsWithJson, group, help: "print JSON, for programs" },
  long: {
    commands: ["ls", "tree", "search", "versions", "uploads", "du"],
    group,
    short: "l",
    help: "print every fact",
  },
  recursive: {
    commands: ["ls", "put", "get", "cp", "mv", "rm"],
    group,
    short: "r",
    help: "a whole folder, or all that is under a prefix",
  },
  "begins-with": {
    commands: ["ls"],
    group,
    help: "take the address as the beginning of names, even if it is also that of a folder",
  },
  "max-age": {
    commands: ["bucket"],
    group,
    value: "D",
    help: "delete artifacts whose newest version is this old",
    details:
      "From `1s` to `3650d`, like `30d`; `none` takes the limit away. It is about the time when the newest version was made: a change of metadata does not make it younger, and a move does not either.",
    unit: "a whole number with `s`, `m`, `h` or `d`",
    parser: ageOrNone,
    hasNoVariable: true,
    defaultText: "as it is",
  },
  "max-bytes": {
    commands: ["bucket"],
    group,
    value: "N",
    help: "refuse new content that would make the bucket larger",
    details:
      "All versions and unfinished uploads count. Plain bytes, or with a unit: `10GB` is 10 times 1000^3 bytes, `10GiB` is 10 times 1024^3. `none` takes the limit away.",
    unit: "bytes",
    parser: bytesOrNone,
    hasNoVariable: true,
    defaultText: "as it is",
  },
  bucket: {
    commands: ["search"],
    group,
    value: "BUCKET",
    help: "only in this bucket",
    parser: someText,
    hasNoVariable: true,
  },
  prefix: {
    commands: ["search"],
    group,
    value: "PREFIX",
    help: "only keys that begin so",
    parser: someText,
    hasNoVariable: true,
  },
  "mime-type": {
    commands: ["search", "put"],
    group,
    value: "TYPE",
    help: "media type, like text/csv; to search also text/*",
    parser: someText,
    hasNoVariable: true,
  },
  metadata: {
    commands: ["search", "put"],
    group,
    value: "NAME=VALUE",
    help: "a pair of metadata; repeatable",
    parser: metadataPair,
    hasNoVariable: true,
  },
  order: {
    commands: ["search"],
    group,
    value: "ORDER",
    values: SEARCH_ORDERS,
    help: `what comes first: ${SEARCH_ORDERS.join(", ")}`,
    parser: oneOf(SEARCH_ORDERS),
    default: "newest",
    defaultText: "newest",
    hasNoVariable: true,
  },
  limit: {
    commands: ["search"],
    group,
    value: "N",
    help: "end after so many results",
    parser: wholeNumber(1, Number.MAX_SAFE_INTEGER),
    defaultText: "unlimited",
    hasNoVariable: true,
  },
  by: {
    commands: ["diff"],
    group,
    value: "COLUMN",
    help: "column that names the rows of two tables: show the rows that changed",
    parser: someText,
    hasNoVariable: true,
  },
  follow: {
    commands: ["put", "sync"],
    group,
    help: "follow symlinks, instead of skipping them",
  },
  overwrite: {
    commands: ["get", "mv"],
    group,
    help: "get: replace files that have other content; mv: move onto a target that exists, as its newest version",
  },
  rename: {
    commands: ["put", "get", "sync"],
    group,
    help: "map names that the other side refuses",
    details:
      "What the other side refuses is written as `%` and two hex digits a byte. Files to keys and keys to files are inverse: `put` and then `get`, both with `--rename`, give the names again.",
  },
  "expires-in": {
    commands: ["put"],
    group,
    value: "DURATION",
    help: "how long the artifact is kept",
    unit: "a whole number with `s`, `m`, `h` or `d`",
    parser: duration,
    defaultText: "for ever",
    hasNoVariable: true,
  },
  "if-version": {
    commands: ["put"],
    group,
    value: "N",
    help: "save only if N is the newest version; 0 if there must be none",
    parser: wholeNumber(0, Number.MAX_SAFE_INTEGER),
    hasNoVariable: true,
  },
  delete: {
    commands: ["export", "sync"],
    group,
    help: "sync: delete what the source side lacks; export: remove files of an earlier export that no artifact has now",
  },
  "dry-run": { commands: ["rm", "sync"], group, short: "n", help: "change nothing, and print what would be done" },
  yes: { commands: ["rm", "sync"], group, short: "y", help: "do not ask" },
  abort: {
    commands: ["uploads"],
    group,
    help: "remove unfinished uploads by their ids, without asking",
  },
  check: {
    commands: ["backup"],
    group,
    help: "also read all content that the backup has already, and check its digests",
  },
} as const satisfies Record<string, Option>;
