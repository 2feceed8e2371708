import { SEARCH_ORDERS } from "../../store/ports/artifact-index.js";
import { type CommandName, storeCommandNames } from "./command-names.js";
import type { Option } from "./option.js";
import { ageOrNone, bytesOrNone, metadataPair, oneOf, someText, wholeNumber } from "./value-parsers.js";

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
  overwrite: { commands: ["mv"], group, help: "move onto a target that exists, as its newest version" },
  "dry-run": { commands: ["rm"], group, short: "n", help: "change nothing, and print what would be done" },
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
  "begins-with": {
    commands: ["ls"],
    group,
    help: "take the address as the beginning of names, even if it is also that of a folder",
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
    commands: ["search"],
    group,
    value: "TYPE",
    help: "media type, like text/csv; to search also text/*",
    parser: someText,
    hasNoVariable: true,
  },
  metadata: {
    commands: ["search"],
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
  delete: {
    commands: ["export"],
    group,
    help: "remove files of an earlier export that no artifact has now",
  },
  yes: { commands: ["rm", "sync"], group, short: "y", help: "do not ask" },
  check: {
    commands: ["backup"],
    group,
    help: "also read all content that the backup has already, and check its digests",
  },
} as const satisfies Record<string, Option>;
