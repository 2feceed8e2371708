import type { SessionRecord } from "../../src/store/model/records.js";

/** The record of an open upload of 10 bytes, 4 of which are stored. */
export const openRecord: SessionRecord = {
  id: "s",
  is_listed: true,
  bucket: "b",
  key: "k",
  mime_type: "text/plain",
  metadata: {},
  size: 10,
  sha256: null,
  if_version: null,
  status: "open",
  offset: 4,
  pieces: [{ name: "0-a", bytes: 4 }],
  digest: null,
  over: null,
  artifact: null,
  created_at: 100,
  updated_at: 150,
  expires_at: 200,
};
