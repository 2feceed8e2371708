import { suggestKey } from "../../store/model/names/suggest-key.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { CreateUpload } from "../../store/uploads/new-session.js";
import { mediaType } from "../message/header-fields.js";
import { HttpError } from "../message/http-error.js";

const defaultBucket = "uploads";
const defaultType = "application/octet-stream";

/**
 * Parses `Upload-Metadata`. `bucket`, `key` and `filetype` are the place and the media type of the artifact; every
 * other entry becomes metadata of the artifact. Without `key`, the key is made from `filename`.
 *
 * @throws HttpError `invalid_argument`
 */
export function readTusMetadata(text: string): Omit<CreateUpload, "size"> {
  const entries = text
    .split(",")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name = "", base64 = ""] = pair.split(" ");
      return [name, decodeUtf8(name, base64)] as const;
    });
  if (entries.some(([name]) => name === "__proto__")) {
    throw new HttpError("invalid_argument", "__proto__ cannot be a name in Upload-Metadata: choose another name.");
  }
  const { bucket = defaultBucket, key: given, filetype, ...metadata } = Object.fromEntries(entries);
  const key = given ?? suggestKey(metadata["filename"] ?? "");
  return { bucket, key, isOwnKey: key !== given, mime_type: mediaType(filetype), metadata };
}

/** @throws HttpError `invalid_argument` */
function decodeUtf8(name: string, base64: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    throw new HttpError("invalid_argument", `Upload-Metadata ${name} must be base64 of UTF-8 text.`);
  }
}

/** Visible ASCII characters without the comma. */
const entryName = /^[\x21-\x2b\x2d-\x7e]+$/;

/** Returns the `Upload-Metadata` of a session as its client sent it. Default values are left out. */
export function writeTusMetadata(session: UploadSession): string {
  const { bucket, key, mime_type, metadata } = session;
  const place = {
    ...(bucket === defaultBucket ? {} : { bucket }),
    ...(isGeneratedKey(session, metadata["filename"]) ? {} : { key }),
    ...(mime_type === defaultType ? {} : { filetype: mime_type }),
  };
  return Object.entries({ ...place, ...metadata })
    .filter(([name]) => entryName.test(name)) // other names came by another protocol; this one cannot carry them
    .map(([name, value]) => `${name} ${Buffer.from(value).toString("base64")}`)
    .join(",");
}

/** Returns whether the key is the one that an upload gets if its client gives none. */
function isGeneratedKey({ id, key }: UploadSession, filename = ""): boolean {
  const name = suggestKey(filename);
  return key === id || (name !== undefined && (key === name || key === suggestKey(`${id}/${name}`)));
}
