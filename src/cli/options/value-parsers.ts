import { z } from "zod";
import {
  largestMaxAgeSeconds,
  largestSessionTtlMs,
  maxBucketChars,
  smallestSessionTtlMs,
} from "../../store/model/limits.js";
import { isBucketPrefix } from "../../store/model/names/bucket-name.js";
import { absolutePath } from "./directories.js";

/*
 * One parser for each kind of value. If a text is refused, the issue says what is allowed; it completes the sentence
 * "--option must be ...".
 */

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export function wholeNumber(least: number, most: number) {
  const allowed = `a whole number from ${least} to ${most}`;
  return z.string().transform((text, context) => {
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    context.addIssue(allowed);
    return z.NEVER;
  });
}

/** Milliseconds; NaN for a text that is no duration. */
function durationMs(text: string): number {
  const [, digits, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  return Number(digits) * unitMs[(unit ?? "s") as keyof typeof unitMs];
}

/** Milliseconds. */
export const duration = z.string().transform((text, context) => {
  const ms = durationMs(text);
  if (ms >= smallestSessionTtlMs && ms <= largestSessionTtlMs) return ms;
  context.addIssue("a duration from 1s to 365d, like 30s, 15m, 12h or 7d");
  return z.NEVER;
});

/** Seconds. */
export const ageOrNone = z.string().transform((text, context) => {
  if (text === "none") return "none" as const;
  const seconds = durationMs(text) / 1_000;
  if (seconds >= 1 && seconds <= largestMaxAgeSeconds) return seconds;
  context.addIssue("a duration from 1s to 3650d, like 12h or 30d, or none");
  return z.NEVER;
});

const units = ["", "k", "m", "g", "t"];

/** Bytes, plain or with a unit: `10GB` is 10 * 1000^3, `1.5GiB` is 1.5 * 1024^3. Case is ignored. */
export const bytesOrNone = z.string().transform((text, context) => {
  if (text === "none") return "none" as const;
  const [, digits, fraction = "", unit = "", binary] = /^(\d{1,16})(?:(\.\d{1,3})?([kmgt])(i?)b|b)?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(digits + fraction) * (binary ? 1024 : 1000) ** units.indexOf(unit.toLowerCase()));
  if (bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
  context.addIssue("a number of bytes, like 500000, 10GB or 1.5GiB, or none");
  return z.NEVER;
});

export const flag = z.string().transform((text, context) => {
  if (["true", "1", "yes", ""].includes(text.toLowerCase())) return true;
  if (["false", "0", "no"].includes(text.toLowerCase())) return false;
  context.addIssue("true or false");
  return z.NEVER;
});

export function oneOf<Value extends string>(values: readonly Value[]) {
  return z.string().transform((text, context) => {
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    context.addIssue(`one of ${values.join(", ")}`);
    return z.NEVER;
  });
}

/** A text that is not empty. */
export const someText = z.string().transform((text, context) => {
  if (text !== "") return text;
  context.addIssue("a text that is not empty");
  return z.NEVER;
});

/** A name and a value of metadata. */
export const metadataPair = z.string().transform((text, context) => {
  const at = text.indexOf("=");
  if (at > 0) return { name: text.slice(0, at), value: text.slice(at + 1) };
  context.addIssue("NAME=VALUE, like run=42");
  return z.NEVER;
});

/** The beginning of a bucket's name, which leaves room for one more character at least. */
export const bucketPrefix = z.string().transform((text, context) => {
  if (text !== "" && isBucketPrefix(text) && text.length < maxBucketChars) return text;
  context.addIssue(
    `the beginning of a bucket's name: 1 to ${maxBucketChars - 1} letters, digits, "-", "_" or single dots, and no dot first, like run7-`,
  );
  return z.NEVER;
});

/** An absolute path. */
export const directory = z.string().transform((text, context) => {
  if (text !== "" && !text.includes("\0")) return absolutePath(text);
  context.addIssue("a directory's path");
  return z.NEVER;
});

export const address = z.string().transform((text, context) => {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  context.addIssue("HOST:PORT, like 127.0.0.1:8080, or with port 0 for any that is free");
  return z.NEVER;
});

export const token = z.string().transform((text, context) => {
  if (/^[\x21-\x7e]{16,512}$/.test(text)) return text;
  context.addIssue("at least 16 visible ASCII characters without spaces");
  return z.NEVER;
});

export const origin = z.string().transform((text, context) => {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  context.addIssue("the origin of web pages, like https://app.example.com");
  return z.NEVER;
});

/** A URL of `http` or `https` without a slash at its end. */
export const publicUrl = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "") return text.replace(/\/+$/, "");
  context.addIssue("a URL, like https://artifacts.example.com");
  return z.NEVER;
});

/** The name of a server in a host's configuration. */
export const entryName = z.string().transform((text, context) => {
  if (/^[A-Za-z0-9_-]{1,40}$/.test(text)) return text;
  context.addIssue('1 to 40 letters, digits, "-" or "_"');
  return z.NEVER;
});
