import { maxDescriptionBytes } from "../../store/model/limits.js";
import type { ColumnDescription, Description, JsonShape } from "../../store/ports/description.js";
import { shorten } from "./shorten.js";

const longestChars = 200;
const mostValues = 20;

/**
 * The description in at most `maxDescriptionBytes` of JSON. If it is larger, as that of 200 columns of long texts, its names
 * and values are shortened and fewer of the most frequent values are told, until it fits.
 */
export function fitDescription(description: Description): Description {
  let fitted = description;
  for (let part = 2; jsonBytes(fitted) > maxDescriptionBytes && part <= longestChars; part *= 2) {
    fitted = shortened(description, Math.floor(longestChars / part), Math.floor(mostValues / part));
  }
  return fitted;
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function shortened({ table, json, ...others }: Description, chars: number, values: number): Description {
  return {
    ...others,
    ...(json && { json: shortShape(json, chars) }),
    ...(table && {
      table: { ...table, column_details: table.column_details.map((column) => shortColumn(column, chars, values)) },
    }),
  };
}

function shortColumn(column: ColumnDescription, chars: number, most: number): ColumnDescription {
  const { name, least, greatest, values, ...facts } = column;
  const short = (value: number | string) => (typeof value === "string" ? shorten(value, chars) : value);
  const told = values?.slice(0, most).map(({ value, count }) => ({ value: shorten(value, chars), count }));
  return {
    name: shorten(name, chars),
    ...facts,
    ...(least !== undefined && { least: short(least) }),
    ...(greatest !== undefined && { greatest: short(greatest) }),
    ...(told !== undefined && told.length > 0 && { values: told }),
  };
}

function shortShape({ members, items, ...facts }: JsonShape, chars: number): JsonShape {
  const pairs = members && Object.entries(members);
  return {
    ...facts,
    ...(pairs && {
      members: Object.fromEntries(pairs.map(([name, member]) => [shorten(name, chars), shortShape(member, chars)])),
    }),
    ...(items && { items: shortShape(items, chars) }),
  };
}
