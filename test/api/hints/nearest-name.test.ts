import { describe, expect, it } from "vitest";
import { nearestName } from "../../../src/api/hints/nearest-name.js";

const names = [
  "save_artifact",
  "create_upload_session",
  "upload_chunk",
  "get_upload_session",
  "list_buckets",
  "list_artifacts",
  "complete_upload_session",
  "read_artifact",
  "delete_artifact",
];

describe("nearestName()", () => {
  it.each([
    ["save_artefact", "save_artifact"],
    ["saveArtifact", "save_artifact"],
    ["SAVE-ARTIFACT", "save_artifact"],
    ["mcp__artifacts__save_artifact", "save_artifact"],
    ["create_session", "create_upload_session"],
    ["complete_session", "complete_upload_session"],
    ["list_bucket", "list_buckets"],
    ["read_file", "read_artifact"],
  ])("finds for %s the name %s", (given, nearest) => expect(nearestName(given, names)).toBe(nearest));

  it.each(["", "x", "____", "frobnicate", "🎉🎉", "z".repeat(1_000_000)])(
    "finds nothing for a text that resembles no name: %.20s",
    (given) => expect(nearestName(given, names)).toBeUndefined(),
  );

  it("finds nothing among no names", () => expect(nearestName("save_artifact", [])).toBeUndefined());
});
