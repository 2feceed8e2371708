import type { Bucket } from "../../../store/buckets/buckets.js";
import { count } from "../../../store/model/count.js";
import { humanBytes } from "../../terminal/sizes.js";
import { createTable } from "../../terminal/table.js";
import { humanAge } from "./human-age.js";

const ageOf = ({ max_age }: Bucket): string => (max_age === null ? "-" : humanAge(max_age));
const limitOf = ({ max_bytes }: Bucket): string => (max_bytes === null ? "-" : humanBytes(max_bytes));

/** Buckets as a table for a person. */
export function tableOf(all: readonly Bucket[]): string {
  const table = createTable([
    { title: "BUCKET" },
    { title: "ARTIFACTS", isNumber: true },
    { title: "SIZE", isNumber: true },
    { title: "UNFINISHED", isNumber: true },
    { title: "MAX BYTES", isNumber: true },
    { title: "MAX AGE", isNumber: true },
  ]);
  return table.lines(
    all.map((each) => [
      each.name,
      String(each.artifacts),
      humanBytes(each.bytes),
      humanBytes(each.unfinished_bytes),
      limitOf(each),
      ageOf(each),
    ]),
  );
}

/** One bucket, a fact a line. @param waitMs how long a server that begins now deletes nothing by its clock */
export function textOf(found: Bucket, waitMs: number): string {
  const { name, artifacts, bytes, unfinished_bytes, max_bytes, too_old } = found;
  const held = bytes + unfinished_bytes;
  const exact = max_bytes === null ? "-" : `${max_bytes} bytes (${humanBytes(max_bytes)})`;
  const isFull = max_bytes !== null && held > max_bytes;
  return [
    `bucket      ${name}`,
    `max age     ${ageOf(found)}`,
    `max bytes   ${exact}`,
    `holds       ${count(artifacts, "artifact")}, ${humanBytes(bytes)} with all versions, ${humanBytes(unfinished_bytes)} in unfinished uploads`,
    ...(isFull
      ? [`above       ${humanBytes(held - max_bytes)} above max bytes: what is there stays, and new content is refused`]
      : []),
    ...(too_old > 0 ? [`too old     ${count(too_old, "artifact")}: ${whenDeleted(waitMs)}`] : []),
    "",
  ].join("\n");
}

function whenDeleted(waitMs: number): string {
  if (waitMs === 0) return "servers delete them within a minute";
  const minutes = count(Math.ceil(waitMs / 60_000), "minute");
  return `no clock has proved right yet, so a server deletes what it has itself seen for the whole max age, and the rest after it has run for ${minutes}`;
}
