import { type Dictionary, parseDictionary } from "structured-headers";
import { count } from "../../store/model/count.js";
import type { StreamChecksum } from "../../store/uploads/upload-stream.js";
import type { Exchange } from "./exchange.js";
import { HttpError } from "./http-error.js";

/** The digests that are checked, by their names in the header field (RFC 9530). The first one has precedence. */
const checkedDigests = [
  { field: "sha-256", algorithm: "sha256", bytes: 32 },
  { field: "sha-512", algorithm: "sha512", bytes: 64 },
] as const;

/**
 * Returns the SHA-256 of the whole content in hex, if `Repr-Digest` promises one.
 *
 * @throws HttpError `invalid_argument`
 */
export function promisedDigest(exchange: Exchange): string | undefined {
  const sha256 = readDigests(exchange, "Repr-Digest").get("sha-256");
  if (sha256 !== undefined || exchange.header("repr-digest") === undefined) return sha256;
  throw new HttpError(
    "invalid_argument",
    "Repr-Digest is checked only for sha-256: send sha-256=:BASE64:, or leave the field out.",
  );
}

/** Returns the digest of this request's body, if `Content-Digest` has one. @throws HttpError `invalid_argument` */
export function contentDigest(exchange: Exchange): StreamChecksum | undefined {
  const given = readDigests(exchange, "Content-Digest");
  for (const { field, algorithm } of checkedDigests) {
    const digest = given.get(field);
    if (digest !== undefined) return { algorithm, digest };
  }
  if (exchange.header("content-digest") === undefined) return undefined;
  throw new HttpError(
    "invalid_argument",
    "Content-Digest is checked only for sha-256 and sha-512: send one of them, like sha-256=:BASE64:, or leave the field out.",
  );
}

/** Returns the value of a digest field. @param sha256 in hex */
export function digestField(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, "hex").toString("base64")}:`;
}

/** Returns the digests in a field in hex, by their names in the field. @throws HttpError `invalid_argument` */
function readDigests(exchange: Exchange, name: string): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  const text = exchange.header(name);
  if (text === undefined) return digests;
  for (const [field, [value]] of parseDigests(name, text)) {
    const bytes = checkedDigests.find((checked) => checked.field === field)?.bytes;
    if (!(value instanceof ArrayBuffer)) {
      if (bytes !== undefined) throw malformed(name, field);
      continue;
    }
    if (bytes !== undefined && value.byteLength !== bytes) {
      throw new HttpError(
        "invalid_argument",
        `${name} has ${count(value.byteLength, "byte")} for ${field}, but such a digest has ${bytes}: send the whole digest, in base64.`,
      );
    }
    digests.set(field, Buffer.from(value).toString("hex"));
  }
  return digests;
}

function parseDigests(name: string, text: string): Dictionary {
  try {
    return parseDictionary(text);
  } catch {
    throw malformed(name, "sha-256");
  }
}

/** @param field name of the digest, like `sha-256` */
function malformed(name: string, field: string): HttpError {
  return new HttpError(
    "invalid_argument",
    `${name} is malformed: send it in the form ${field}=:BASE64:, with colons around the base64 of the digest (RFC 9530).`,
  );
}
