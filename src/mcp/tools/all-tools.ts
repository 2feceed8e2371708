import type { Tool, ToolContext } from "../calls/tool.js";
import { abortUploadSession } from "./abort-upload-session.js";
import { compareArtifacts } from "./compare-artifacts.js";
import { completeUploadSession } from "./complete-upload-session.js";
import { copyArtifact } from "./copy-artifact.js";
import { createUploadSession } from "./create-upload-session.js";
import { deleteArtifact } from "./delete-artifact.js";
import { describeArtifact } from "./describe-artifact.js";
import { exportFile } from "./export-file.js";
import { getArtifact } from "./get-artifact.js";
import { getUploadSession } from "./get-upload-session.js";
import { importFile } from "./import-file.js";
import { listArtifacts } from "./list-artifacts.js";
import { listBuckets } from "./list-buckets.js";
import { listUploadSessions } from "./list-upload-sessions.js";
import { readArtifact } from "./read-artifact.js";
import { saveArtifact } from "./save-artifact.js";
import { searchArtifacts } from "./search-artifacts.js";
import { updateArtifact } from "./update-artifact.js";
import { uploadChunk } from "./upload-chunk.js";

/** In the order in which a host shows them. */
const makers: readonly ((context: ToolContext) => Tool)[] = [
  saveArtifact,
  createUploadSession,
  uploadChunk,
  getUploadSession,
  listUploadSessions,
  completeUploadSession,
  abortUploadSession,
  importFile,
  exportFile,
  searchArtifacts,
  listBuckets,
  listArtifacts,
  getArtifact,
  readArtifact,
  describeArtifact,
  compareArtifacts,
  updateArtifact,
  copyArtifact,
  deleteArtifact,
];

export function allTools(context: ToolContext): Tool[] {
  return makers.map((make) => make(context));
}
